"""Whether a destination can be reached: from what it took, how calls ended, and the last attempt that failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from scp_node.checks.remote_ae import RemoteAECall
from scp_node.ledger.unreached import Unreachable

QUIET_AFTER = timedelta(days=1)
ReachState = Literal["answers", "fails", "quiet"]


@dataclass(frozen=True)
class Reach:
    """`last_sign_at`: when it last called or answered. `failure`: why the last attempt to reach it failed, whatever
    became of that job, where no other has succeeded since: that it calls does not show that it can be reached."""

    state: ReachState
    last_sign_at: datetime | None
    failed_at: datetime | None
    failure: str


def reach_of(
    unreached: Unreachable | None,
    call: RemoteAECall | None,
    sent_at: datetime | None,
    called_at: datetime | None,
    now: datetime,
) -> Reach:
    """`sent_at`: when it last took something, `called_at`: when it last called this node, `call`: the last call from
    here that a person asked for."""
    failures = [] if unreached is None else [unreached]
    if call is not None and not call.is_well:
        failures.append(Unreachable(call.at, call.report.problems[0]))
    well_call_at = call.at if call is not None and call.is_well else None
    reached_at = max((at for at in (sent_at, well_call_at) if at is not None), default=None)
    last_sign_at = max((at for at in (called_at, reached_at) if at is not None), default=None)
    failed_at, failure = max(failures, default=(None, ""))
    if failed_at is not None and (reached_at is None or failed_at > reached_at):
        return Reach("fails", last_sign_at, failed_at, failure)
    is_heard = last_sign_at is not None and now - last_sign_at < QUIET_AFTER
    return Reach("answers" if is_heard else "quiet", last_sign_at, None, "")
