"""What the ledger hands out and takes in of the versions of an object."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from converter.result.patient import Patient
from scp_node.ledger.removal_records import RemovalReason


@dataclass(frozen=True)
class VersionFacts:
    """What a worker saw of one version of an object: the evidence of its bytes, and what tells whether results change.

    sha256: of the data set as received. copied: digest of the attributes that results copy; pixels: of the stored
    values; shown: of the rendered image. Each is None where it could not be made. patient, header (what routes look at,
    as converter.image.routing_header writes it): None where no header could be read.
    """

    sha256: str | None = None
    copied: str | None = None
    pixels: str | None = None
    shown: str | None = None
    patient: Patient | None = None
    header: str | None = None


@dataclass(frozen=True)
class VersionRow:
    """One version of an object: the bytes that came under its SOP Instance UID, and what was seen of them."""

    sop_instance_uid: str
    version: int
    sop_class_uid: str
    study_instance_uid: str
    series_instance_uid: str
    transfer_syntax_uid: str
    source: str
    calling_ae_title: str
    called_ae_title: str
    spool_name: str
    bytes: int
    digest: str
    received_at: datetime
    removed_at: datetime | None
    removed_because: RemovalReason | None
    facts: VersionFacts
