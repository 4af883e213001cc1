"""What was found in the spool, in a file of its own until the ledger is made: it may be more than memory holds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path

from scp_node.ledger import ReceivedInstance
from scp_node.recovery.found_results import FoundResult

BATCH = 500
_TABLES = """
CREATE TABLE received (at INTEGER, name TEXT, document TEXT, PRIMARY KEY (at, name)) WITHOUT ROWID;
CREATE TABLE result (study TEXT, uid TEXT, document TEXT, PRIMARY KEY (study, uid)) WITHOUT ROWID;
CREATE TABLE covered (uid TEXT PRIMARY KEY, at TEXT) WITHOUT ROWID;
"""


class FoundObjects:
    """Takes objects in any order and gives them in the one in which they are entered."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path)
        self._db.execute("PRAGMA journal_mode=OFF")  # made anew where it is lost
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.executescript(_TABLES)

    def close(self) -> None:
        self._db.close()

    def add_received(self, record: ReceivedInstance, written_ns: int) -> None:
        document = asdict(record) | {"received_at": record.received_at.isoformat()}
        self._db.execute("INSERT INTO received VALUES (?, ?, ?)", (written_ns, record.spool_name, json.dumps(document)))

    def add_result(self, result: FoundResult) -> None:
        values = (result.study_instance_uid, result.sop_instance_uid, result.model_dump_json())
        self._db.execute("INSERT OR REPLACE INTO result VALUES (?, ?, ?)", values)
        self._db.executemany(
            "INSERT INTO covered VALUES (?, ?) ON CONFLICT (uid) DO UPDATE SET at = max(at, excluded.at)",
            [(uid, result.written_at.isoformat(timespec="microseconds")) for uid in result.refers_to],
        )

    def received(self) -> Iterator[list[ReceivedInstance]]:
        """In the order in which they came, so many at a time: of an object its newest version last."""
        rows = self._db.execute("SELECT document FROM received ORDER BY at, name")
        while batch := list(islice(rows, BATCH)):
            yield [_record(json.loads(document)) for (document,) in batch]

    def studies(self) -> Iterator[list[FoundResult]]:
        """The results of each study."""
        rows = self._db.execute("SELECT study, document FROM result ORDER BY study, uid")
        for _, of_study in groupby(rows, key=itemgetter(0)):
            yield [FoundResult.model_validate_json(document) for _, document in of_study]

    def covered_at(self, sop_instance_uid: str) -> datetime | None:
        """When the last result on an image was written."""
        row = self._db.execute("SELECT at FROM covered WHERE uid = ?", (sop_instance_uid,)).fetchone()
        return None if row is None else datetime.fromisoformat(row[0])


def _record(document: dict[str, str | int]) -> ReceivedInstance:
    received_at = datetime.fromisoformat(str(document.pop("received_at")))
    return ReceivedInstance(**document, received_at=received_at)  # type: ignore[arg-type]


def in_batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """As many as one statement takes."""
    return (names[start : start + BATCH] for start in range(0, len(names), BATCH))
