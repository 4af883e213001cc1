"""What a person has done with one study: what was given up is tried again, it is reported anew, or sent elsewhere."""

from __future__ import annotations

from collections.abc import Callable

from scp_node.deliver.destinations import destination_named
from scp_node.engine.wakeup import Waker
from scp_node.errors import NothingFound, UsageError
from scp_node.ledger import Ledger, Transaction
from scp_node.ledger.job_selection import JobSelection
from scp_node.operations.acts import Act, ActKind, ActOutcome, Operator
from scp_node.operations.jobs import SELECTED_MAX, retry_jobs
from scp_node.settings import Settings
from scp_node.workflow import asked_again


def retry_study(ledger: Ledger, waker: Waker, study_instance_uid: str, operator: Operator) -> tuple[Act, ...]:
    """Start every dead job of a study again now. Raises NothingFound where there is none."""
    with ledger.reading() as tx:
        dead = tx.jobs.selected_ids(JobSelection(("dead",), None, study_instance_uid), SELECTED_MAX)
    if not dead:
        raise NothingFound("nothing of this study was given up")
    return tuple(retry_jobs(ledger, waker, dead, operator))


def report_anew(
    ledger: Ledger, waker: Waker, settings: Settings, study_instance_uid: str, operator: Operator
) -> tuple[Act, int]:
    """Have the report of each route made again, as another revision; returns how many. Raises NothingFound and Removed
    where there is nothing to report, and UsageError while a report is being built, or where none would be."""
    routes = {route.name for route in settings.routes}
    omits_declined = settings.report.when_all_declined == "omit"

    def plan(tx: Transaction) -> int:
        return len(asked_again.report_anew(tx, study_instance_uid, routes, omits_declined=omits_declined))

    return _done(ledger, waker, operator, "report-anew", study_instance_uid, plan)


def send_results(
    ledger: Ledger, waker: Waker, settings: Settings, study_instance_uid: str, destination: str, operator: Operator
) -> tuple[Act, int]:
    """Have the results of the last reports sent to a destination; returns how many go. Raises UsageError for one that
    is not configured, and NothingFound and Removed where there is nothing to send."""

    def plan(tx: Transaction) -> int:
        destination_named(settings, destination)  # nobody works on the queue of one that is not configured
        is_system = destination not in settings.archives
        return asked_again.send_again(tx, study_instance_uid, destination, is_system=is_system)

    return _done(ledger, waker, operator, "send-results", study_instance_uid, plan, f"to {destination}")


def _done(
    ledger: Ledger,
    waker: Waker,
    operator: Operator,
    kind: ActKind,
    study_instance_uid: str,
    plan: Callable[[Transaction], int],
    detail: str = "",
) -> tuple[Act, int]:
    outcome: ActOutcome = "failed"
    try:
        with ledger.transaction(study_instance_uid) as tx:
            count = plan(tx)
        outcome = "done"
    except (UsageError, NothingFound):
        outcome = "refused"
        raise
    finally:
        act = operator.record(kind, "study", study_instance_uid, outcome, detail)
    waker.wake()
    return act, count
