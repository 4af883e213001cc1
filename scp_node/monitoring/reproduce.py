"""Runs the analysis behind a result again, from spool and ledger, and compares what comes out with what was sent.

Nothing is written and nothing is sent. Equal input, package and settings give equal bytes on the same provider; another
provider or another processor may round differently, so that numbers are compared within the tolerances below.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
import pydicom
import xxhash

from converter.analysis.analyse import analyse
from converter.analysis.outcome import Examined
from converter.declined import Declined
from converter.errors import Unreportable
from converter.result.encode import to_bytes
from converter.result.kinds.content import Rendering, ReportedImage
from converter.result.kinds.table import RESULT_KINDS
from converter.result.messages.table import MESSAGE_KINDS
from scp_node.analysis.policies import node_policy
from scp_node.analysis.routing import choose_route
from scp_node.decode.pool import DecodePool
from scp_node.errors import HilumError, ModelUnusable, UsageError
from scp_node.inference.loaded_models import LoadedModel, LoadedModels
from scp_node.ledger import Analysis, InstanceRow, Ledger, ReportRow, ResultRow
from scp_node.ledger.removal_records import removed_words
from scp_node.monitoring.built_again import built_again
from scp_node.monitoring.dataset_differences import differences
from scp_node.reporting.content import reported_image
from scp_node.settings import Settings
from scp_node.storage.blobs import SpoolFiles
from scp_node.storage.evidence import data_set_sha256

Verdict = Literal["same", "differs", "unknown"]
PROBABILITY_TOLERANCE = 1e-4
MAP_TOLERANCE = 1e-3
DIFFERENCES_MAX = 12


@dataclass(frozen=True)
class Comparison:
    """One comparison: what was compared, how it ended, and in which detail. Holds no patient data."""

    what: str
    verdict: Verdict
    detail: str = ""


@dataclass(frozen=True)
class ReproductionSource:
    """Where results, images and models are found; nothing of it is changed."""

    settings: Settings
    ledger: Ledger
    spool: SpoolFiles
    models: LoadedModels
    decode_pool: DecodePool


@dataclass(frozen=True)
class Again:
    """One image of the report, examined again: what the results would say of it, and from what a map is drawn."""

    image: ReportedImage
    examined: Examined

    @property
    def rendering(self) -> Rendering:
        converted = self.examined.converted
        assert converted is not None, "only an analysed image has a map"
        return Rendering(converted.preview, converted.preview_to_source)


def reproduce(source: ReproductionSource, result_uid: str) -> Iterator[Comparison]:
    """The checks of one result, image by image, then the object itself. Raises UsageError for an unknown UID."""
    with source.ledger.reading() as tx:
        result = tx.results.get(result_uid)
        if result is not None and result.kind in MESSAGE_KINDS:
            raise UsageError(
                f"{result_uid} is a message to a system ({MESSAGE_KINDS[result.kind].summary}): only DICOM results are "
                "run again; name the report beside it, which 'hilum explain' shows"
            )
        if result is None or result.kind not in RESULT_KINDS:
            raise UsageError(f"no DICOM result {result_uid} was made by this node; see 'hilum explain'")
        report = tx.reports.get(result.report_id)
    try:
        model = source.models.get(report.model)
    except ModelUnusable as error:
        yield Comparison(f"model {report.model}", "unknown", f"cannot be run: {error}")
        return
    uids = sorted({*report.instances, *filter(None, [result.source_instance_uid])})
    images: list[Again] = []
    for uid in uids:
        again, checks = _analyse_again(source, result, report, model, uid)
        yield from checks
        if again is not None:
            images.append(again)
    if len(images) < len(uids):
        yield Comparison(f"{result.kind} {result_uid}", "unknown", "cannot be built without the images above")
    else:
        try:
            yield _compare_object(source, result, report, model, images)
        except Unreportable as error:
            yield Comparison(f"{result.kind} {result_uid}", "differs", f"it is not built any more: {error}")


def overall(checks: list[Comparison]) -> Verdict:
    """Differs where anything differs; same only where everything could be compared and is the same."""
    verdicts = {check.verdict for check in checks}
    return "differs" if "differs" in verdicts else "same" if verdicts == {"same"} else "unknown"


def _analyse_again(
    source: ReproductionSource, result: ResultRow, report: ReportRow, model: LoadedModel, uid: str
) -> tuple[Again | None, list[Comparison]]:
    is_drawn_over = uid == result.source_instance_uid
    version = (result.source_version if is_drawn_over else None) or report.version_of(uid)
    with source.ledger.reading() as tx:
        instance, stored = tx.versions.as_of(uid, version), tx.instances.analysis(uid)
        kept = tx.versions.get(uid, version)
    what = f"image {uid}" + (f", version {version}" if version > 1 else "")
    path = source.spool.path(instance.spool_name)
    obstacle = removed_words(instance) or _image_obstacle(path, instance, kept.facts.sha256 if kept else None)
    is_stored = (instance.judged_version, instance.state != "received") == (version, True)
    judged_by, judged_at = instance.model if is_stored else None, result.judged_at if is_drawn_over else None
    instance = replace(instance, finished_at=judged_at or instance.finished_at, model=judged_by)
    if is_stored and instance.decline_code == "analysis-failed":
        obstacle = f"its analysis had failed: {instance.detail}"
    if obstacle:
        return None, [Comparison(what, "unknown", obstacle)]
    try:
        again = _again(source, instance, _examined(source, instance, model), path)
    except HilumError as error:
        return None, [Comparison(what, "unknown", f"cannot be analysed now: {error.code}: {error}")]
    if instance.model not in (report.model, None) or not is_stored:
        detail = f"of {instance.model}, not of {report.model}" if is_stored else "of another version of the image"
        detail = f"the ledger has the analysis {detail} by now; see the object"
        return again, [Comparison(f"{what}: scores", "unknown", detail)]
    return again, list(_compare_analyses(what, instance, stored, again))


def _image_obstacle(path: Path, instance: InstanceRow, sha256: str | None) -> str:
    """Why the image that was judged is not there any more; empty when it is. An older release entered no SHA-256."""
    try:
        if sha256 is not None:
            is_the_one = data_set_sha256(path, instance.bytes) == sha256
        else:
            is_the_one = xxhash.xxh3_128_hexdigest(path.read_bytes()[-instance.bytes :]) == instance.digest
    except OSError as error:
        return f"the image is not in the spool any more ({error.strerror})"
    if not is_the_one:
        return "the image in the spool is not the one that was received"
    return ""


def _examined(source: ReproductionSource, instance: InstanceRow, model: LoadedModel) -> Examined:
    """The image job again, without its ledger."""
    path, settings = source.spool.path(instance.spool_name), source.settings
    try:
        ds = source.decode_pool.header(path)
    except source.decode_pool.failures as error:
        return Examined(Declined("undecodable", str(error)), failure=error)
    by_route = choose_route(settings.routes, instance.source, ds).declined if instance.model is None else None
    if by_route is not None:
        return Examined(by_route)
    return analyse(path, model, source.decode_pool, node_policy(settings), ds)


def _again(source: ReproductionSource, instance: InstanceRow, examined: Examined, path: Path) -> Again:
    """As the ledger would have it, had it been entered now."""
    found, declined = examined.analysed, examined.declined
    if found is not None:
        now = replace(instance, notes=list(examined.notes), decline_code=None, detail="")
        return Again(reported_image(now, Analysis.of(found), path, source.decode_pool), examined)
    assert declined is not None
    now = replace(instance, decline_code=declined.code, detail=declined.reason)
    return Again(reported_image(now, None, path, source.decode_pool), examined)


def _compare_analyses(what: str, instance: InstanceRow, stored: Analysis | None, again: Again) -> Iterator[Comparison]:
    analysis, declined = again.examined.analysed, again.examined.declined
    if stored is None or analysis is None:
        then = instance.decline_code or "analysed"
        now = "analysed" if declined is None else declined.code
        same = stored is None and analysis is None and then == now
        detail = f"declined as {then}" if same else f"{then} then, {now} now"
        if not same and instance.model is None:
            detail += "; the routes of the configuration had declined it"
        yield Comparison(f"{what}: outcome", "same" if same else "differs", detail)
        return
    providers = f"; then on '{stored.provider}', now on '{analysis.provider}'"
    where = "" if stored.provider == analysis.provider else providers
    names = [[found.name for found in one.findings] for one in (stored, analysis)]
    if names[0] != names[1]:
        yield Comparison(f"{what}: findings", "differs", f"{', '.join(names[0])} then, {', '.join(names[1])} now")
        return
    for old, found in zip(stored.findings, analysis.findings, strict=True):
        difference = abs(old.probability - found.probability)
        detail = f"{old.probability:.6f} then, {found.probability:.6f} now{where}"
        yield Comparison(f"{what}: probability of {old.name}", _within(difference, PROBABILITY_TOLERANCE), detail)
        decisions = [f"{'positive' if one.positive else 'negative'} at {one.threshold:g}" for one in (old, found)]
        same = (old.positive, old.threshold) == (found.positive, found.threshold)
        detail = decisions[0] if same else f"{decisions[0]} then, {decisions[1]} now"
        yield Comparison(f"{what}: decision on {old.name}", "same" if same else "differs", detail)
    if stored.cam.shape != analysis.cam.shape:
        yield Comparison(f"{what}: map", "differs", f"{stored.cam.shape} then, {analysis.cam.shape} now")
        return
    largest = float(np.abs(stored.cam - analysis.cam).max())
    detail = f"largest difference {largest:.2g}, {MAP_TOLERANCE:g} allowed{where}"
    yield Comparison(f"{what}: map", _within(largest, MAP_TOLERANCE), detail)


def _within(difference: float, tolerance: float) -> Verdict:
    return "same" if difference <= tolerance else "differs"


def _compare_object(
    source: ReproductionSource, result: ResultRow, report: ReportRow, model: LoadedModel, images: list[Again]
) -> Comparison:
    """The object built again, against the bytes that were sent."""
    what = f"{result.kind} {result.sop_instance_uid}"
    if result.removed_at is not None:
        return Comparison(what, "unknown", removed_words(result))
    path = source.spool.path(result.spool_name)
    try:
        sent = path.read_bytes()
    except OSError as error:
        return Comparison(what, "unknown", f"the object that was sent is not in the spool any more ({error.strerror})")
    if hashlib.sha256(sent).hexdigest() != result.sha256:
        return Comparison(what, "unknown", "the object in the spool is not the one that was built")
    renderings = {one.image.sop_instance_uid: one.rendering for one in images if one.image.findings}
    covered = [one.image for one in images]
    with source.ledger.reading() as tx:
        built = built_again(tx, source.settings, result, report, model.manifest, covered, renderings)
    if built is None:
        return Comparison(what, "differs", "the image is not analysed now, so that there is no map to draw")
    again = to_bytes(built)
    if again == sent:
        return Comparison(what, "same", f"{len(sent)} bytes, every one as before")
    differing = differences(pydicom.dcmread(path), pydicom.dcmread(BytesIO(again)))
    shown = ", ".join(differing[:DIFFERENCES_MAX]) + (", ..." if len(differing) > DIFFERENCES_MAX else "")
    hint = "a setting of `report` or `node`, or the time zone, that was changed since makes a difference too"
    return Comparison(what, "differs", f"in {shown or 'its encoding'} ({hint})")
