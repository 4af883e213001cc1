"""What the ledger hands out and takes in: frozen records, one per table row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

from converter.image.priority import ROUTINE
from converter.result.findings import Finding
from scp_node.ledger.outline_column import as_kept
from scp_node.ledger.removal_records import RemovalReason

if TYPE_CHECKING:  # analysing loads what decodes pixels, and who only looks into the ledger does not need that
    from converter.analysis.outcome import Analysed

AddOutcome = Literal["added", "identical", "removed", "changed", "returned", "conflict", "gone"]
"""What entering an object comes to: a new one; the bytes that are current, which are there or were removed; bytes that
were never seen under its UID; those of an earlier version; others where they are refused; none, without its file."""
InstanceState = Literal["received", "declined", "quarantined", "inferred", "reported"]
JobState = Literal["queued", "running", "waiting", "done", "dead"]
JobKind = Literal["image", "study", "delivery", "commitment", "shadow"]
DeliveryState = Literal["queued", "sent", "committed", "failed", "dead"]
ShadowOutcome = Literal["scored", "declined", "failed"]
CommitmentState = Literal["requested", "committed", "failed"]

CHANGES: tuple[AddOutcome, ...] = ("changed", "returned")
JUDGED: tuple[InstanceState, ...] = ("declined", "quarantined", "inferred")
PENDING_JOBS: tuple[JobState, ...] = ("queued", "waiting")
LIVE_JOBS: tuple[JobState, ...] = (*PENDING_JOBS, "running")
UNFINISHED_JOBS: tuple[JobState, ...] = (*LIVE_JOBS, "dead")


def now_utc() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class ReceivedInstance:
    """One object as it came over the network: its identity, its sender and where its bytes are. `damage`: what is odd
    about its header, in words and without any value. `priority`: how urgent it seems, as a rank: the lower, the
    sooner."""

    sop_instance_uid: str
    sop_class_uid: str
    study_instance_uid: str
    series_instance_uid: str
    transfer_syntax_uid: str
    accession_number: str
    source: str
    calling_ae_title: str
    called_ae_title: str
    spool_name: str
    bytes: int
    digest: str
    received_at: datetime
    damage: str = ""
    priority: int = ROUTINE


@dataclass(frozen=True)
class InstanceRow:
    """The version of an object that is current. `reportable`: belongs into a report. `covered`: a report has it, or was
    left out on purpose. `judged_version`: the one that state, findings and report are of, None before the first."""

    sop_instance_uid: str
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
    state: InstanceState
    reportable: bool
    covered: bool
    route: str | None
    model: str | None
    decline_code: str | None
    detail: str
    notes: list[str]
    finished_at: datetime | None
    version: int
    judged_version: int | None
    removed_at: datetime | None
    removed_because: RemovalReason | None
    priority: int


@dataclass(frozen=True)
class Analysis:
    """What a report needs of one analysed image. cam: float32 [findings, h, w] in logit units; lungs: the share of lung
    in each cell of the film, where the model found lungs."""

    cam: NDArray[np.float32]
    preview_to_source: NDArray[np.float64]
    source_shape: tuple[int, int]
    provider: str
    findings: tuple[Finding, ...]
    lungs: NDArray[np.float32] | None = None

    @classmethod
    def of(cls, found: Analysed) -> Analysis:
        """What is kept of an analysis, as the ledger gives it back: all but the pixels."""
        converted = found.converted
        return cls(
            found.cam,
            converted.preview_to_source,
            converted.source_shape,
            found.provider,
            found.findings,
            None if found.lungs is None else as_kept(found.lungs),
        )


@dataclass(frozen=True)
class NewJob:
    """Something to be done from `due_at` on. One `job_id` is one job, however often it is entered. `priority`: a rank,
    the lower the sooner."""

    job_id: str
    kind: JobKind
    subject: str
    study_instance_uid: str
    queue: str
    due_at: datetime
    priority: int = ROUTINE


class JobChange(TypedDict, total=False):
    """The columns of a job that change."""

    state: JobState
    attempt: int
    starts: int
    due_at: datetime
    error: str
    postponed: int
    priority: int


@dataclass(frozen=True)
class JobRow:
    """`attempt` counts the tries that ended, `starts` those of the current attempt, of which all but the last died with
    their process. `postponed`: how many of the attempts ended because it was too early, or were never begun. `worker`
    holds the job until `lease_until`."""

    job_id: str
    kind: JobKind
    subject: str
    study_instance_uid: str
    queue: str
    state: JobState
    attempt: int
    starts: int
    worker: str | None
    lease_until: datetime | None
    created_at: datetime
    due_at: datetime
    changed_at: datetime
    error: str
    postponed: int
    priority: int = ROUTINE

    @property
    def tries(self) -> int:
        """Which attempt at the work itself this is."""
        return self.attempt - self.postponed

    @property
    def attempts(self) -> int:
        """How many attempts at the work itself have ended."""
        is_to_come = self.state in UNFINISHED_JOBS and self.state != "dead"
        return self.tries - (is_to_come or not self.starts)


@dataclass(frozen=True)
class ReportRow:
    """One revision of the report on a study. `instances` are the SOP Instance UIDs it covers, `versions` which version
    of each (1 where none is named), `left_out` those that it names as another patient's, `gone` those whose
    bytes had been removed before. `abandoned_at`: it was not finished, because one of its images changed meanwhile."""

    id: int
    study_instance_uid: str
    route: str
    revision: int
    job_id: str
    model: str
    created_at: datetime
    instances: list[str]
    built_at: datetime | None
    versions: dict[str, int]
    left_out: list[str]
    abandoned_at: datetime | None
    gone: list[str]

    def version_of(self, sop_instance_uid: str) -> int:
        return self.versions.get(sop_instance_uid, 1)


@dataclass(frozen=True)
class NewResult:
    """A built result object whose bytes are already durable in the spool. `source_instance_uid` and `source_version`
    tell the image that a heat map was drawn over, `judged_at` when that was judged: the map bears this time."""

    sop_instance_uid: str
    sop_class_uid: str
    series_instance_uid: str
    kind: str
    spool_name: str
    bytes: int
    sha256: str
    source_instance_uid: str | None = None
    source_version: int | None = None
    judged_at: datetime | None = None


@dataclass(frozen=True)
class ResultRow(NewResult):
    report_id: int = 0
    removed_at: datetime | None = None
    removed_because: RemovalReason | None = None


@dataclass(frozen=True)
class DeliveryRow:
    id: int
    result_uid: str
    destination: str
    state: DeliveryState
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    sent_at: datetime | None
    status: int | None
    detail: str


class DeliveryChange(TypedDict, total=False):
    """The columns of a delivery that change."""

    result_uid: str
    state: DeliveryState
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    sent_at: datetime | None
    status: int | None
    detail: str


@dataclass(frozen=True)
class CommitmentRow:
    """A request to an archive to confirm that it keeps one result; `ae_title` is whose answer counts."""

    transaction_uid: str
    delivery_id: int
    ae_title: str
    sop_class_uid: str
    sop_instance_uid: str
    state: CommitmentState
    requested_at: datetime
    failure_reason: int | None
    answered_at: datetime | None


@dataclass(frozen=True)
class EventRow:
    """One thing that happened, for `hilum explain`."""

    at: datetime
    study_instance_uid: str
    subject: str
    step: str
    outcome: str
    took_ms: float | None = None
