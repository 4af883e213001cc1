"""How `hilum models` tells of a package: what it was made for, and what it does in a node."""

from __future__ import annotations

from collections.abc import Iterator

from converter.package.baseline import told_of
from converter.package.lungs import Lungs
from converter.package.manifest import Manifest
from converter.page.counted import counted
from scp_node.monitoring.models_in_use import ModelUse
from scp_node.queries.model_packages import ModelDetails


def description(details: ModelDetails) -> Iterator[str]:
    """The manifest in lines for a person."""
    manifest = details.manifest
    use = manifest.intended_use
    yield f"model        {manifest.name}@{manifest.version}: {manifest.title}"
    yield f"made by      {manifest.manufacturer}, {manifest.provenance.created}"
    yield f"for          {use.statement}"
    yield f"             {'/'.join(use.modalities)}, {'/'.join(use.body_parts)}, {'/'.join(use.views)}, {use.ages}"
    if use.ages.reason:
        yield f"not others   {use.ages.reason}"
    yield from _judgement(manifest)
    yield from _provenance(manifest)
    yield f"drift        {details.drift_reference}"
    yield f"weights      SHA-256 {manifest.onnx_sha256}"
    yield f"pin          {details.pin}"


def use_of(use: ModelUse | None) -> str:
    """What a package does in a node."""
    if use is None:
        return "not in use"
    parts = []
    if use.routes:
        parts.append(f"routes: {', '.join(use.routes)}")
    if use.shadow_of:
        parts.append(f"shadow of routes: {', '.join(use.shadow_of)}")
    if use.routes:
        parts.append(f"on {use.provider}" if use.provider else "not loaded by a running node")
        states = ", ".join(f"{state} ({counted(count, 'sender')})" for state, count in use.drift)
        parts.append(f"drift: {states or 'no images yet'}")
    return "; ".join(parts)


def _judgement(manifest: Manifest) -> Iterator[str]:
    for finding in manifest.findings:
        concept = finding.concept
        yield f"finding      {finding.name} ({concept.value}, {concept.scheme}, {concept.meaning})"
        yield f"             positive from {finding.operating_threshold:g} ({finding.threshold_rule})"
        yield f"             calibration: {finding.calibration.summary}, {finding.calibration.fitted_on}"
    if manifest.gate is not None:
        codes = ", ".join(kind.code for kind in manifest.gate.kinds[1:])
        yield f"input gate   {manifest.gate.kinds[0].name} from {manifest.gate.threshold:g}, or declined as {codes}"
    if manifest.lungs is not None:
        yield from _lungs(manifest.lungs)


def _lungs(lungs: Lungs) -> Iterator[str]:
    yield f"lungs        outlined; declined as lungs-not-whole above {100 * lungs.edge_max:g} % of an edge of the film"
    fit = lungs.fit
    if fit is not None:
        worst = f"one in twenty below {fit.fifth_percentile:.3f}, least {fit.least:.3f}"
        yield f"             Dice {fit.mean:.3f} on {fit.films} films (median {fit.median:.3f}, {worst})"
    for source in lungs.sources:
        yield f"             learned from {source.films} films of {source.name}, {source.licence}"
    for limit in lungs.limits:
        yield f"             {limit}"


def _provenance(manifest: Manifest) -> Iterator[str]:
    for cohort in manifest.cohorts:
        seen = f"{counted(cohort.images, 'image')} of {counted(cohort.patients, 'patient')}"
        yield f"trained on   {cohort.name}: {seen}, {cohort.licence}"
    for metric in manifest.metrics:
        interval = "" if metric.low is None else f" ({metric.low:.3f} to {metric.high:.3f})"
        where = f"{metric.cohort} {metric.split}, {counted(metric.images, 'image')}"
        yield f"measured     {metric.name} {metric.value:.3f}{interval} on {where}"
    for text in told_of(manifest.metrics):
        yield f"WARNING      {text}"
