"""The ledger: the database that is the truth about every instance, job, report, result and delivery.

Each subject has a repository: `with ledger.transaction() as tx: tx.instances.add(record)`.
"""

from scp_node.ledger.jobs import JobLost
from scp_node.ledger.ledger import Ledger
from scp_node.ledger.records import (
    AddOutcome,
    Analysis,
    CommitmentRow,
    DeliveryRow,
    EventRow,
    InstanceRow,
    JobRow,
    NewJob,
    NewResult,
    ReceivedInstance,
    ReportRow,
    ResultRow,
)
from scp_node.ledger.transaction import Transaction
from scp_node.ledger.version_records import VersionFacts, VersionRow
from scp_node.ledger.watch_records import DriftRow, ShadowRow, TwoScores

__all__ = [
    "AddOutcome",
    "Analysis",
    "CommitmentRow",
    "DeliveryRow",
    "DriftRow",
    "EventRow",
    "InstanceRow",
    "JobLost",
    "JobRow",
    "Ledger",
    "NewJob",
    "NewResult",
    "ReceivedInstance",
    "ReportRow",
    "ResultRow",
    "ShadowRow",
    "Transaction",
    "TwoScores",
    "VersionFacts",
    "VersionRow",
]
