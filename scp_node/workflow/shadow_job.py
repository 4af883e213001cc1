"""What happens to an image that a second model scores too: its scores are kept beside the first one's, and that is all.

It runs in a process of its own (scp_node.node.shadow), after the first model's job has been entered: no failure here
can delay or end that one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from converter.declined import Declined
from converter.errors import ConverterError
from converter.image.eligibility import check_header
from converter.image.image_file import read_header
from scp_node.analysis.judge import gate_refusal, judge
from scp_node.decode.pool import DecodePool
from scp_node.engine.jobs import JobQueue
from scp_node.engine.retry import RetryTable, retry_table
from scp_node.errors import DecodeFailed, InvalidScore, ModelUnusable
from scp_node.inference.loaded_models import LoadedModel, LoadedModels
from scp_node.ledger import Analysis, InstanceRow, JobRow, Ledger, ShadowRow, Transaction, TwoScores
from scp_node.ledger.records import ShadowOutcome, now_utc
from scp_node.settings import Settings
from scp_node.storage.spool import SpoolFiles

log = logging.getLogger(__name__)
PREVIEW_SIDE = 320


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
    if first is not None and route is not None and route.shadow is not None:
        row = _scored(services, instance, first, route.name, route.shadow)
    with services.ledger.transaction() as tx:
        if row is not None:
            tx.shadows.put(row)
        services.jobs.finish(tx, job)


def _scored(parts: ShadowServices, instance: InstanceRow, first: Analysis, route: str, shadow: str) -> ShadowRow:
    outcome: ShadowOutcome = "scored"
    detail = ""
    scores: tuple[TwoScores, ...] = ()
    try:
        answer = _scores(parts, instance, first, parts.models.get(shadow))
        if isinstance(answer, Declined):
            outcome, detail = "declined", f"{answer.code}: {answer.reason}"
        elif not answer:
            outcome, detail = "failed", f"no-common-finding: {shadow} has no finding of {instance.model}"
        else:
            scores = answer
    except (ConverterError, DecodeFailed, InvalidScore, ModelUnusable) as error:
        outcome, detail = "failed", f"{error.code}: {error}"
    extra = {"sop_instance_uid": instance.sop_instance_uid, "shadow": shadow, "detail": detail}
    log.info(f"second model {outcome}", extra=extra)
    return ShadowRow(instance.sop_instance_uid, shadow, instance.model or "", route, outcome, detail, scores, now_utc())


def _scores(
    parts: ShadowServices, instance: InstanceRow, first: Analysis, model: LoadedModel
) -> Declined | tuple[TwoScores, ...]:
    path, manifest = parts.spool.path(instance.spool_name), model.manifest
    verdict = check_header(read_header(path), manifest.intended_use)
    if isinstance(verdict, Declined):
        return verdict
    pixels_max = parts.settings().inference.pixels_max
    converted = parts.decode_pool.convert(path, manifest.input, None, PREVIEW_SIDE, pixels_max)
    if isinstance(converted, Declined):
        return converted
    scores = model.batcher.score(converted.model_input)
    refused = None if parts.settings().inference.gate != "refuse" else gate_refusal(manifest, scores)
    if refused is not None:
        return refused
    said = {found.name: found for found in first.findings}
    return tuple(
        TwoScores(
            found.name, said[found.name].probability, said[found.name].positive, found.probability, found.positive
        )
        for found in judge(manifest, scores.probability[0])
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
