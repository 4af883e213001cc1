"""Checks of the section storage: what each place for bytes needs, and what means nothing to it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from scp_node.settings.cross_check import CrossCheck
from scp_node.settings.model import Settings
from scp_node.settings.strict_yaml import Loc

S3_NEEDS = ("url", "bucket", "access_key_id", "secret_access_key")
# To an object store these would mean the disk of its copies, which nobody means.
OF_FILES = ("spool_dir", "spool_bytes_max")


def storage_checks(settings: Settings) -> Iterator[CrossCheck]:
    storage, blobs = settings.storage, ("storage", "blobs")
    if storage.blobs == "shared" and storage.spool_dir is None:
        hint = "Write the folder that every machine of this node has mounted, such as spool_dir: /mnt/hilum."
        yield CrossCheck(blobs, "shared needs storage.spool_dir", hint, (("storage", "spool_dir"),))
    if storage.blobs != "s3":
        return
    for key in S3_NEEDS:
        if getattr(storage.s3, key) is None:
            yield CrossCheck(blobs, f"s3 needs storage.s3.{key}", involves=(("storage", "s3", key),))
    for key in OF_FILES:
        if getattr(storage, key) is not None:
            yield CrossCheck(("storage", key), "means nothing while storage.blobs is s3", involves=(blobs,))
    url: Loc = ("storage", "s3", "url")
    there = urlsplit(storage.s3.url or "")
    is_here = there.hostname in ("localhost", "127.0.0.1", "::1")
    if there.scheme == "http" and not is_here and not storage.s3.allow_plaintext:
        hint = "Write https://. Where the network itself is trusted: allow_plaintext: true."
        yield CrossCheck(url, "images would travel without TLS", hint, (("storage", "s3", "allow_plaintext"),))
