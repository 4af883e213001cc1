"""Backs up, restores, rebuilds and moves a node's data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scp_node.errors import HilumError, UsageError
from scp_node.ledger import Ledger
from scp_node.operations.acts import ActKind, ActOutcome, Operator
from scp_node.recovery.backup import BackupMade, NodeData, make_backup
from scp_node.recovery.moved_ledger import MovedLedger, move_ledger
from scp_node.recovery.rebuild import Rebuilt, rebuild_ledger
from scp_node.recovery.restore import Restored, restore_backup
from scp_node.settings import Settings
from scp_node.settings.places import spool_dir

BUCKET_KEPT = (
    "Back up the database first (pg_dump; for SQLite a copy while the node is stopped), then the bucket by the means "
    "of the store (versions, replication, or a copy)."
)
BUCKET_REBUILT = (
    "Restore the database from its own backup. Without one: copy the bucket into a folder, set storage.blobs: local "
    "and storage.spool_dir to it, and give this command again."
)
OnFile = Callable[[], None]


def back_up(
    settings: Settings, ledger: Ledger, config: Path, folder: Path, operator: Operator, *, verify: bool, on_file: OnFile
) -> BackupMade:
    """Make or renew the backup in `folder`, while the node runs. Raises as `make_backup` does."""
    spool, keeps = spool_dir(settings), settings.storage.free_bytes_min
    data = NodeData(settings.node.data_dir, spool, ledger.engine, config, keeps)
    with _recorded(operator, "back-up", settings.node.data_dir):
        _check_files(settings, BUCKET_KEPT)
        return make_backup(data, folder, verify=verify, on_file=on_file)


def restore(folder: Path, data_dir: Path, operator: Operator, *, leave_out_damaged: bool, on_file: OnFile) -> Restored:
    """Make the data folder of a node out of a backup. Raises as `restore_backup` does."""
    with _recorded(operator, "restore", data_dir):
        return restore_backup(folder, data_dir, leave_out_damaged=leave_out_damaged, on_file=on_file)


def rebuild(
    settings: Settings, operator: Operator, *, reanalyse: bool, replace_whole: bool, on_file: OnFile
) -> Rebuilt:
    """Make a new ledger out of the spool of a node that is stopped. Raises as `rebuild_ledger` does."""
    with _recorded(operator, "rebuild", settings.node.data_dir):
        _check_files(settings, BUCKET_REBUILT)
        return rebuild_ledger(settings, reanalyse=reanalyse, replace_whole=replace_whole, on_file=on_file)


def _check_files(settings: Settings, remedy: str) -> None:
    """Raise UsageError where the bytes are objects: what is done here is done to files."""
    if settings.storage.blobs == "s3":
        raise UsageError(f"storage.blobs is s3: images and results are objects, not files. {remedy}")


def move(settings: Settings, target_url: str, operator: Operator, *, on_row: OnFile) -> MovedLedger:
    """Move the ledger of a node that is stopped into another database. Raises as `move_ledger` does."""
    with _recorded(operator, "move-ledger", settings.node.data_dir):
        return move_ledger(settings, target_url, on_row)


@contextmanager
def _recorded(operator: Operator, kind: ActKind, data_dir: Path) -> Iterator[None]:
    outcome: ActOutcome = "failed"
    detail = ""
    try:
        yield
        outcome = "done"
    except UsageError:
        outcome = "refused"
        raise
    except HilumError as error:
        detail = error.code
        raise
    finally:
        operator.record(kind, "data-folder", str(data_dir), outcome, detail)
