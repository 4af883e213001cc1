"""Who did what to the node: every act is recorded when it has ended, also one that was refused or failed."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal, Protocol

log = logging.getLogger(__name__)
ActKind = Literal[
    "retry-job",
    "cancel-job",
    "send-files",
    "call-remote-ae",
    "reconcile",
    "erase",
    "back-up",
    "restore",
    "rebuild",
    "move-ledger",
    "add-model",
    "put-configuration",
    "report-anew",
    "send-results",
    "reproduce",
    "set-up",
    "sign-in",
    "sign-out",
    "add-user",
    "set-role",
    "disable-user",
    "enable-user",
    "make-link",
    "set-password",
    "issue-token",
    "revoke-token",
    "view-study",
    "search-patient",
    "store-instances",
]
ActOutcome = Literal["done", "refused", "failed"]
ObjectKind = Literal[
    "job", "remote-ae", "erasure", "data-folder", "model", "account", "study", "result", "configuration"
]


@dataclass(frozen=True)
class Act:
    """One act on one object. Holds no patient data: neither names of files, nor what an archive has answered."""

    kind: ActKind
    object_kind: ObjectKind
    object_id: str
    operator: str
    outcome: ActOutcome
    detail: str = ""


class ActRecorder(Protocol):
    """Keeps what was done."""

    def record(self, *acts: Act) -> None: ...


class LogRecorder:
    """One line in the log of this process for each act."""

    def record(self, *acts: Act) -> None:
        for act in acts:
            log.info("operator acted", extra=dict(vars(act)))


@dataclass(frozen=True)
class Operator:
    """A person by name, and what records this person's acts."""

    name: str
    recorder: ActRecorder

    def record(
        self, kind: ActKind, object_kind: ObjectKind, object_id: str, outcome: ActOutcome, detail: str = ""
    ) -> Act:
        act = Act(kind, object_kind, object_id, self.name, outcome, detail)
        self.recorder.record(act)
        return act
