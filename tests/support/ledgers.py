"""Ledgers on real SQLite files, and made-up received instances to put into them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from scp_node.ledger import Ledger, ReceivedInstance
from scp_node.ledger.database import default_url, migrate, open_database
from scp_node.spool import instance_name

CR_STORAGE = "1.2.840.10008.5.1.4.1.1.1"
EXPLICIT_LE = "1.2.840.10008.1.2.1"


def new_ledger(folder: Path) -> Ledger:
    """A migrated ledger in `folder`; dispose of `.engine` when done."""
    engine = open_database(default_url(folder))
    migrate(engine)
    return Ledger(engine)


def received(number: int = 1, study: int = 1, *, sha256: str | None = None, source: str = "pacs") -> ReceivedInstance:
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
        spool_name=instance_name(f"1.2.3.{study}.{number}"),
        bytes=1000,
        sha256=sha256 or f"{study:032d}{number:032d}",
        received_at=datetime.now(UTC),
    )
