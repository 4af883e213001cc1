"""Whether a node keeps what it acknowledged, read from its ledger and spool past its own code."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.support.node.receiving import data_set_of


def broken_promises(data_dir: Path, acknowledged: dict[str, str]) -> list[str]:
    """What is wrong in a data folder to which these instances were acknowledged; nothing, if all is well."""
    rows, wrong = ledger_rows(data_dir), []
    digests = {uid: _digest(data_dir / "spool", name) for uid, (_, name) in rows.items()}
    for uid, sha256 in acknowledged.items():
        if uid not in rows:
            wrong.append(f"{uid}: acknowledged, and not in the ledger")
        elif digests[uid] != sha256:
            wrong.append(f"{uid}: acknowledged, and the file is missing or another one")
    wrong += [f"{uid}: in the ledger without a file" for uid, digest in digests.items() if digest is None]
    versions = _read(data_dir, "SELECT sop_instance_uid, spool_name FROM hilum_instance_version")
    wrong += [f"{uid}: a version without a file" for uid, name in versions if _digest(data_dir / "spool", name) is None]
    wrong += [f"{path.name}: a part file was left" for path in (data_dir / "spool").rglob("*.part")]
    return wrong


def kept_twice(data_dir: Path) -> list[str]:
    """Files in the spool that neither an instance, nor a version of one, nor a result of the ledger names."""
    tables = ("hilum_instance", "hilum_instance_version", "hilum_result")
    named = {name for table in tables for (name,) in _read(data_dir, f"SELECT spool_name FROM {table}")}
    files = sorted(path for path in (data_dir / "spool").rglob("*.dcm") if path.stem not in named)
    return [f"{path.name}: in the spool, and not in the ledger" for path in files]


def ledger_rows(data_dir: Path) -> dict[str, tuple[str, str]]:
    """SOP Instance UID to state and name in the spool."""
    rows = _read(data_dir, "SELECT sop_instance_uid, state, spool_name FROM hilum_instance")
    return {uid: (state, name) for uid, state, name in rows}


def integrity(data_dir: Path) -> str:
    """SQLite's own word on the ledger: 'ok'."""
    with closing(sqlite3.connect(data_dir / "ledger.db")) as database:
        return str(database.execute("PRAGMA integrity_check").fetchone()[0])


def _digest(spool: Path, name: str) -> str | None:
    try:
        return hashlib.sha256(data_set_of((spool / name[:2] / f"{name}.dcm").read_bytes())).hexdigest()
    except (OSError, AssertionError):
        return None


def _read(data_dir: Path, query: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(f"file:{data_dir / 'ledger.db'}?mode=ro", uri=True)) as database:
        return database.execute(query).fetchall()
