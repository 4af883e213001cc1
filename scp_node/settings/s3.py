"""Section storage.s3: the object store that keeps images and results where `storage.blobs` is s3."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from scp_node.settings.section import Bytes, File, Seconds, Section

_URL_RULE = "a URL that begins with https:// or http://, without a name or a secret before the host"


def _endpoint(value: str) -> str:
    """Raises ValueError, which does not tell the URL: it may hold a secret."""
    if not value.startswith(("https://", "http://")) or len(value.split("//", 1)[1].strip("/")) == 0:
        raise ValueError("begins with https:// or http://, and names a host")
    if "@" in value:
        raise ValueError("must not hold a name or a secret: they are access_key_id and secret_access_key")
    return value.rstrip("/")


Endpoint = Annotated[
    str, AfterValidator(_endpoint), WithJsonSchema({"type": "string", "format": "uri", "rule": _URL_RULE})
]


class S3(Section):
    """An object store that speaks S3 and keeps what it has answered with 200."""

    url: Endpoint | None = Field(None, description="Address of the object store, such as https://s3.hospital.example.")
    bucket: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        description="Bucket that holds the images and results of this node and of nothing else, unless it has a "
        "prefix. It is there already: the node makes none.",
        json_schema_extra={"rule": "3 to 63 lower-case letters, digits, dots and hyphens"},
    )
    prefix: str = Field(
        "",
        pattern=r"^([A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*)?$",
        description="What the names of all objects begin with, where the bucket is shared; no two sites have the same.",
        json_schema_extra={"rule": "letters, digits, _, - and / between them"},
    )
    region: str = Field("us-east-1", min_length=1, description="Region that requests are signed for.")
    access_key_id: str | None = Field(
        None, min_length=1, repr=False, description="Access key.", json_schema_extra={"env": True}
    )
    secret_access_key: str | None = Field(
        None,
        min_length=1,
        repr=False,
        description="Secret that belongs to the access key.",
        json_schema_extra={"env": True},
    )
    ca: File | None = Field(
        None, description="Certificates (PEM) that the store's own is checked against; null = those of the system."
    )
    allow_plaintext: bool = Field(False, description="Let images travel to an http:// address of another machine.")
    connect_timeout_s: Seconds = Field(2, gt=0, le=60, description="Time for the store to take a connection.")
    request_timeout_s: Seconds = Field(
        15,
        gt=0,
        le=600,
        description="Time for one request, with all of its bytes. Then the sender is told 0xA700 and keeps the object.",
    )
    retries_max: int = Field(
        2, ge=0, le=20, description="How often a request that was refused or cut is sent again before it has failed."
    )
    retry_first_s: Seconds = Field(0.1, gt=0, description="Wait before the first of these; each is twice the last.")
    retry_for_s: Seconds = Field(8, gt=0, le=240, description="No request is sent again after this long.")
    pause_s: Seconds = Field(
        2,
        description="After a request has failed, images are refused for so long without asking the store; it is then "
        "asked by one before all the others.",
    )
    cache_bytes_max: Bytes = Field(
        20 * 1024**3,
        description="Copies of objects on the disk of this machine; the one unused longest goes first. What was used "
        "in the last ten minutes stays.",
    )
