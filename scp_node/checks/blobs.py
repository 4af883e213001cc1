"""Where the bytes are kept: a shared spool that is there, an object store that answers and overwrites nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator

from scp_node.checks.result import CheckedNode, CheckResult, obstacle, ok, problem, warning
from scp_node.errors import ConfigurationError, OutOfResources
from scp_node.host.file_system import file_system_of
from scp_node.settings import Settings
from scp_node.settings.places import spool_dir

DIR_LOC, BLOBS_LOC, URL_LOC = ("storage", "spool_dir"), ("storage", "blobs"), ("storage", "s3", "url")
# An object that is made and deleted, and of no image: their names are digests.
PROBE = "f" * 64


def shared_spool(node: CheckedNode) -> Iterator[CheckResult]:
    """A shared folder is never made here: without its mount every machine would fill a folder of its own."""
    if node.settings.storage.blobs != "shared":
        return
    folder = spool_dir(node.settings)
    if not folder.is_dir():
        yield obstacle(f"{folder} is not there", "Mount the folder that the machines of this node share.", DIR_LOC)
    elif not os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
        yield obstacle(f"this user cannot write to {folder}", "Give it to the user of the node.", DIR_LOC)
    else:
        system = file_system_of(folder)
        fact = f"{folder}, on {system.kind} mounted at {system.mount_point}"
        if system.is_network:
            yield ok(fact)
        else:
            yield warning(
                f"{fact}: other machines do not see it", "Mount the shared folder there before the node.", DIR_LOC
            )


def object_store(node: CheckedNode) -> Iterator[CheckResult]:
    """Makes an object twice and deletes it: the second time has to be refused."""
    if node.settings.storage.blobs != "s3" or not node.network:
        return
    s3 = node.settings.storage.s3
    try:
        first, second = _created_twice(node.settings)
    except ConfigurationError as error:
        yield obstacle(str(error), "Install it, or write storage.blobs: local.", BLOBS_LOC)
    except OutOfResources as refusal:
        yield problem(
            f"{s3.url} {s3.bucket}: {refusal.__cause__ or refusal}".partition("\n")[0],
            "Look at address, bucket and keys, and at the store itself. Images are refused with 0xA700 until it "
            "answers.",
            URL_LOC,
        )
    else:
        if first and not second:
            yield ok(f"{s3.url} {s3.bucket}: takes objects, and overwrites none")
        else:
            yield problem(
                f"{s3.url} {s3.bucket} does not keep to If-None-Match: an object may be overwritten",
                "Use a store with conditional writes.",
                URL_LOC,
            )


def _created_twice(settings: Settings) -> tuple[bool, bool]:
    try:
        from scp_node.storage.object_store import ObjectStore, opened_store
    except ImportError as error:
        raise ConfigurationError("storage.blobs: s3 needs the library obstore: pip install 'hilum[s3]'") from error
    store = ObjectStore(opened_store(settings.storage.s3), settings.storage.s3.pause_s)
    store.delete([PROBE])
    try:
        return store.create(PROBE, b"hilum"), store.create(PROBE, b"hilum")
    finally:
        store.delete([PROBE])
