"""What happens to an image that a second model scores too: its scores are kept beside the first one's.

It runs in a process of its own (scp_node.node.shadow), after the first model's job has been entered: no failure here
can delay or end that one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from converter.analysis.analyse import analyse
from converter.analysis.outcome import Analysed
from converter.declined import Declined
from converter.errors import ConverterError
from scp_node.analysis.policies import shadow_policy
from scp_node.decode.pool import DecodePool
from scp_node.engine.jobs import JobQueue
from scp_node.engine.retry import RetryTable, retry_table
from scp_node.errors import DecodeFailed, InvalidScore, ModelUnusable, Removed
from scp_node.inference.loaded_models import LoadedModels
from scp_node.ledger import Analysis, InstanceRow, JobRow, Ledger, ShadowRow, Transaction, TwoScores
from scp_node.ledger.records import ShadowOutcome, now_utc
from scp_node.ledger.removal_records import in_spool
from scp_node.settings import Settings
from scp_node.storage.blobs import SpoolFiles

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ShadowServices:
    """`settings` is called anew for each job."""

    settings: Callable[[], Settings]
    ledger: Ledger
    jobs: JobQueue
    spool: SpoolFiles
    models: LoadedModels
    decode_pool: DecodePool

    def retries(self) -> RetryTable:
        return retry_table(self.settings().workers, self.settings().delivery)


def run_shadow_job(services: ShadowServices, job: JobRow) -> None:
    """Score one image with the second model that its route names now, if the first one's scores still stand."""
    with services.ledger.reading() as tx:
        instance = tx.instances.get(job.subject)
        first = tx.instances.analysis(job.subject)
    route = next((route for route in services.settings().routes if route.name == instance.route), None)
    row = None
    # while another version waits for its analysis, the first one's scores are not of the bytes that are current
    is_judged = first is not None and instance.state != "received"
    if is_judged and first is not None and route is not None and route.shadow is not None:
        row = _scored(services, instance, first, route.name, route.shadow)
    with services.ledger.transaction(job.study_instance_uid) as tx:
        services.jobs.finish(tx, job)
        if row is not None and _is_unchanged(tx.instances.get(job.subject), instance):
            tx.shadows.put(row)


def _is_unchanged(now: InstanceRow, then: InstanceRow) -> bool:
    return (now.version, now.finished_at) == (then.version, then.finished_at)


def _scored(services: ShadowServices, instance: InstanceRow, first: Analysis, route: str, shadow: str) -> ShadowRow:
    outcome: ShadowOutcome = "scored"
    detail = ""
    scores: tuple[TwoScores, ...] = ()
    try:
        path, model = services.spool.path(in_spool(instance)), services.models.get(shadow)
        header = services.decode_pool.header(path)
        examined = analyse(path, model, services.decode_pool, shadow_policy(services.settings()), header)
        if examined.failure is not None:
            raise examined.failure
        if isinstance(examined.outcome, Declined):
            outcome, detail = "declined", f"{examined.outcome.code}: {examined.outcome.reason}"
        else:
            scores = _side_by_side(first, examined.outcome)
            if not scores:
                outcome, detail = "failed", f"no-common-finding: {shadow} has no finding of {instance.model}"
    except (ConverterError, DecodeFailed, InvalidScore, ModelUnusable, Removed) as error:
        outcome, detail = "failed", f"{error.code}: {error}"
    extra = {"sop_instance_uid": instance.sop_instance_uid, "shadow": shadow, "detail": detail}
    log.info(f"second model {outcome}", extra=extra)
    return ShadowRow(instance.sop_instance_uid, shadow, instance.model or "", route, outcome, detail, scores, now_utc())


def _side_by_side(first: Analysis, second: Analysed) -> tuple[TwoScores, ...]:
    """The findings that both models have."""
    said = {found.name: found for found in first.findings}
    return tuple(
        TwoScores(
            found.name, said[found.name].probability, said[found.name].positive, found.probability, found.positive
        )
        for found in second.findings
        if found.name in said
    )


def bury_shadow(services: ShadowServices, tx: Transaction, job: JobRow, code: str, reason: str) -> None:
    """The second model could not be run on this image: that is kept, and nothing else depends on it."""
    instance = tx.instances.get(job.subject)
    route = next((route for route in services.settings().routes if route.name == instance.route), None)
    if route is not None and route.shadow is not None:
        model, detail = instance.model or "", f"{code}: {reason}"
        row = ShadowRow(job.subject, route.shadow, model, route.name, "failed", detail, (), now_utc())
        tx.shadows.put(row)
