"""Unlinks the files that the ledger has marked: some at a time, so that no sender waits for it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from scp_node.host.disk_space import errno_name
from scp_node.ledger import Ledger
from scp_node.storage.blobs import Blobs
from scp_node.storage.previews import PreviewStore

log = logging.getLogger(__name__)
FILES_AT_ONCE = 25
# So many that cannot be unlinked end a pass: the disk is at fault, and not they.
FAILED_MAX = 1000


def unlink_marked(ledger: Ledger, spool: Blobs, previews: PreviewStore) -> int:
    """Unlink every file that is marked, with its preview; returns how many went. It may be done twice.

    In a transaction, because who brings the same bytes again takes the mark away first. What cannot be unlinked stays
    marked, holds up nothing behind it, and is told. The marks go once the folders are on the disk, so that no power
    cut brings a file back.
    """
    with ledger.reading() as tx:  # most of the time there is nothing, and no sender has to wait for that
        if not tx.removals.count_waiting():
            return 0
    unlinked = 0
    gone: list[str] = []
    failed: dict[str, str] = {}
    is_over = False
    while not is_over:
        with ledger.transaction() as tx:
            tx.removals.forget(gone)
            is_over = len(failed) >= FAILED_MAX
            marked = [] if is_over else tx.removals.files(FILES_AT_ONCE + len(failed))
            names = [name for name in marked if name not in failed]
            failed |= _unlinked(spool, previews, names)
        gone = [name for name in names if name not in failed]
        spool.sync_folders(gone)
        unlinked += len(gone)
        is_over = is_over or not names
    if failed:
        name, reason = next(iter(failed.items()))
        log.error("files cannot be removed", extra={"files": len(failed), "spool_name": name, "reason": reason})
    return unlinked


def _unlinked(spool: Blobs, previews: PreviewStore, names: Sequence[str]) -> dict[str, str]:
    """Unlink files with their previews; returns of those that stay, why."""
    reasons = spool.unlink(names)
    for name in names:
        try:
            if name not in reasons:
                previews.drop(name)
        except OSError as error:
            reasons[name] = errno_name(error)
    return reasons
