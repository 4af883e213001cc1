"""Ledgers in real databases, and made-up received instances to put into them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from scp_node.ledger import JobRow, Ledger, ReceivedInstance
from scp_node.ledger.database import open_database
from scp_node.storage.spool import instance_name
from tests.support.ledger.databases import ledger_limits, ledger_url, make_tables

CR_STORAGE = "1.2.840.10008.5.1.4.1.1.1"
EXPLICIT_LE = "1.2.840.10008.1.2.1"


def new_ledger(folder: Path) -> Ledger:
    """The ledger of `folder`, with its tables; dispose of `.engine` when done."""
    make_tables(folder)
    return Ledger(open_database(ledger_url(folder), ledger_limits()))


def received(number: int = 1, study: int = 1, *, digest: str | None = None, source: str = "pacs") -> ReceivedInstance:
    return ReceivedInstance(
        sop_instance_uid=f"1.2.3.{study}.{number}",
        sop_class_uid=CR_STORAGE,
        study_instance_uid=f"1.2.3.{study}",
        series_instance_uid=f"1.2.3.{study}.0",
        transfer_syntax_uid=EXPLICIT_LE,
        accession_number=f"ACC{study}",
        source=source,
        calling_ae_title="MODALITY",
        called_ae_title="HILUM",
        spool_name=instance_name(f"1.2.3.{study}.{number}", digest or f"{study:016d}{number:016d}"),
        bytes=1000,
        digest=digest or f"{study:016d}{number:016d}",
        received_at=datetime.now(UTC),
    )


def claimed(ledger: Ledger, job: JobRow | str) -> JobRow:
    """A pending job as a worker holds it."""
    with ledger.transaction() as tx:
        row = tx.jobs.get(job) if isinstance(job, str) else job
        assert row is not None
        held = tx.jobs.claim(row, "test-worker", datetime.now(UTC) + timedelta(minutes=1))
    assert held is not None, f"{row.job_id} is {row.state}"
    return held
