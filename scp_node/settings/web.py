"""The section `web`: pages and API, and how people sign in."""

from __future__ import annotations

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from scp_node.settings.section import (
    BindAddress,
    Bytes,
    File,
    Host,
    Network,
    Port,
    Seconds,
    Section,
)


def _reached_safely(url: str) -> str:
    """Raises ValueError, which does not tell the URL: it may hold a secret."""
    if "@" in url:
        raise ValueError("must not hold a name or a secret: leave out what stands before @")
    if url.startswith("http:") and not _is_this_machine(urlsplit(url).hostname or ""):
        raise ValueError("must begin with https:// unless it is on this machine")
    return url


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Oidc(Section):
    """An identity provider, with whose accounts people sign in (OpenID Connect)."""

    issuer: Annotated[str, AfterValidator(_reached_safely)] | None = Field(
        None,
        pattern=r"^https?://[^\s?#]+$",
        description="Its address, below which it has /.well-known/openid-configuration, such as "
        "https://login.hospital.example/realms/staff; null = there is none. It has no name or secret "
        "in it, and http only on this machine itself. It has to be told the address "
        "https://THIS-NODE/sign-in/provider/return.",
    )
    client_id: str | None = Field(None, min_length=1, max_length=256, description="The name of this node there.")
    client_secret: str | None = Field(
        None,
        min_length=1,
        max_length=1024,
        repr=False,
        description="The secret of this node there; null = it has none.",
        json_schema_extra={"env": True},
    )
    scopes: list[str] = Field(["openid", "profile"], min_length=1, description="What is asked for; openid has to be.")
    name_claim: str = Field(
        "preferred_username",
        min_length=1,
        description="Which claim is the name here. It is used at the first sign-in; later the subject tells who it is.",
    )
    role_claim: str = Field("groups", min_length=1, description="Which claim, a text or a list, tells the role.")
    viewers: list[str] = Field(default_factory=list, description="Values of role_claim that make a viewer.")
    operators: list[str] = Field(default_factory=list, description="Values of role_claim that make an operator.")
    admins: list[str] = Field(
        default_factory=list, description="Values of role_claim that make an admin. Who has none may not come in."
    )


SENDER_CHARS_MAX = 16  # as an AE title, which stands for the sender in the file of an instance (PS3.10 7.1)
STOW_TITLE, WADO_TITLE = "STOW-RS", "WADO-RS"  # in the place of the AE title that was called
STOW_PREFIX = "stow:"


def stow_source(user_name: str) -> str:
    """What an instance is said to come from that a program of this user has sent: no remote AE is called so."""
    return f"{STOW_PREFIX}{user_name}"


class Stow(Section):
    """Images that come by STOW-RS (DICOMweb, PS3.18 10.5), at /dicom-web/studies of the web port."""

    enabled: bool = Field(
        False,
        description="Whether images are taken. A program needs a token of the scope store: 'hilum user token NAME "
        "--scope store'. Routes know such a sender as stow:NAME in when.from. Sizes and times of one image, and what "
        "is done with one that comes again, are those of the section receiver.",
    )
    requests_max: int = Field(
        8, ge=1, le=32, description="Requests at the same time; one more gets 503 and is to come again."
    )
    request_bytes_max: Bytes = Field(
        4 * 1024**3, ge=1024**2, description="Largest body of a request, in bytes; a larger one gets 413."
    )
    instances_max: int = Field(
        2000, ge=1, le=20_000, description="So many instances may come in one request; with more it gets 413."
    )
    request_timeout_s: Seconds = Field(
        900,
        gt=0,
        le=86400,
        description="A request must be answered, and the answer taken, within this time, instead of "
        "web.request_timeout_s.",
    )


class Web(Section):
    """The HTTP port: the console, the API, /healthz, /readyz and /metrics."""

    bind: BindAddress = Field(
        "127.0.0.1",
        description="IP address to listen on; 127.0.0.1 = this machine only. Beyond this machine it takes "
        "tls_certificate, or a proxy that speaks TLS.",
    )
    port: Port = Field(8043, description="TCP port. Not 8042: that is Orthanc's, which may be on the same machine.")
    allowed_hosts: list[Host] = Field(
        default_factory=list,
        max_length=100,
        description="Names in the Host header by which this port may be asked, besides localhost, loopback addresses "
        "and the name of this machine: that of a reverse proxy, for one. Another name gets 421. /healthz, /readyz and "
        "/metrics may be asked by any IP address.",
    )
    connections_max: int = Field(
        200,
        ge=10,
        le=4000,
        description="Connections open at the same time; the one that has been idle longest makes room for a new one. "
        "Where all are busy, /healthz, /readyz and /metrics are still answered, and others get 503.",
    )
    header_timeout_s: Seconds = Field(
        5, gt=0, le=300, description="The head of a request must be complete within this time, or it is cut off."
    )
    request_timeout_s: Seconds = Field(
        60,
        gt=0,
        le=3600,
        description="From its complete head on, a request must be answered, and the answer taken, within this time.",
    )
    header_bytes_max: int = Field(
        16384, ge=1024, le=262144, description="Largest head of a request, in bytes; a larger one gets 431 or 400."
    )
    tls_certificate: File | None = Field(
        None,
        description="Certificate of this port and its intermediates, PEM: it speaks https then, TLS 1.2 and 1.3. "
        "Relative to the folder of this file, like tls_key. null = http.",
    )
    tls_key: File | None = Field(None, description="Its private key, PEM; null = in the file of tls_certificate.")
    proxy: list[Network] = Field(
        default_factory=list,
        max_length=20,
        description="IP addresses and networks of reverse proxies before this port, which speak TLS with browsers. "
        "What they say in X-Forwarded-For and X-Forwarded-Proto is believed, and without tls_certificate nobody else "
        "beyond this machine is answered, but for /healthz, /readyz and /metrics. Their names belong into "
        "allowed_hosts.",
    )
    session_idle_s: Seconds = Field(
        3600, ge=60, description="Whoever has signed in and then does nothing for so long has to sign in again."
    )
    session_max_s: Seconds = Field(
        43200, ge=60, description="Whoever has signed in has to sign in again after this time in any case."
    )
    upload_bytes_max: Bytes = Field(
        64 * 1024**2,
        ge=1024**2,
        le=512 * 1024**2,
        description="Largest file that the page Try and /api/predict take, in bytes; a larger one gets 413.",
    )
    uploads_max: int = Field(
        50,
        ge=1,
        le=1000,
        description="Uploads at the same time, those that wait included; one more gets 503 and is to come again.",
    )
    uploads_bytes_max: Bytes = Field(
        256 * 1024**2,
        ge=1024**2,
        description="Memory that all uploads together may take, in bytes. One more waits before its bytes are read, "
        "and gets 503 when nothing was free in time. One alone always fits. Nothing of an upload is written to a disk.",
    )
    stow: Stow = Field(default_factory=lambda: Stow(), description="Images that come by STOW-RS.")
    oidc: Oidc = Field(default_factory=lambda: Oidc(), description="An identity provider beside the passwords here.")
