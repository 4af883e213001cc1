"""`hilum models`: which model packages there are, what they were made for, whether they are intact, what they do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scp_node.cli.model_reports import agreement, drift, reference_of
from scp_node.cli.options import open_ledger
from scp_node.cli.predict import ModelsDirOption
from scp_node.errors import HilumError, ModelUnusable, UsageError
from scp_node.settings import Inference

if TYPE_CHECKING:
    from converter.package.manifest import Manifest
    from scp_node.monitoring.models_in_use import ModelUse

models_app = typer.Typer(
    help="List, show and verify the model packages of this installation, of --models-dir or of the node of --config.",
    no_args_is_help=True,
)
models_app.command("agreement")(agreement)
models_app.command("drift")(drift)
ModelArgument = Annotated[str, typer.Argument(metavar="NAME[@VERSION]", help="Without a version: the highest one.")]
NodeOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Configuration of a node: its packages, and their use.", envvar="HILUM_CONFIG"),
]


@models_app.command("list")
def list_models(models_dir: ModelsDirOption = None, config: NodeOption = None) -> None:
    """One line for each model package; with --config what each does in that node."""
    from scp_node.inference.packages import open_package, package_folders

    uses, folders = uses_of(config), package_folders(_folder(models_dir, config))
    for folder in folders:
        label = f"{folder.parent.name}@{folder.name}"
        try:
            manifest = open_package(folder).manifest
        except ModelUnusable as error:
            typer.secho(f"{label:28} unusable: {error}", fg=typer.colors.RED)
            continue
        findings = ", ".join(finding.name for finding in manifest.findings)
        typer.echo(f"{label:28} {manifest.title}: {findings}")
        if label in uses:
            typer.echo(f"{'':28} {'; '.join(use_of(uses[label]))}; gate: {gate_of(manifest)}")
        elif config is not None:
            typer.echo(f"{'':28} not in use; gate: {gate_of(manifest)}")
    for label in sorted(uses.keys() - {f"{folder.parent.name}@{folder.name}" for folder in folders}):
        named_by = ", ".join(uses[label].routes + uses[label].shadow_of)
        typer.secho(f"{label:28} missing, but named by {named_by}", fg=typer.colors.RED)


@models_app.command("verify")
def verify_models(
    model: Annotated[
        str | None, typer.Argument(metavar="NAME[@VERSION]", help="Model package; every one if absent.")
    ] = None,
    models_dir: ModelsDirOption = None,
    config: NodeOption = None,
) -> None:
    """Check manifest, weights and graph, and replay the reference inputs, with --config on the providers of that node.
    Exit 1 when a check fails."""
    from scp_node.inference.packages import find_package, package_folders
    from scp_node.settings.file import load_settings

    folder = _folder(models_dir, config)
    folders = package_folders(folder) if model is None else [find_package(folder, model).folder]
    if not folders:
        raise UsageError(f"no model package in {folder}")
    limits = Inference() if config is None else load_settings(config).inference
    intact = True
    for package in folders:
        typer.echo(f"{package.parent.name}@{package.name} in {package}")
        try:
            for check, detail in checks(package, limits):
                typer.echo(f"  {check:10} ok      {detail}")
        except HilumError as error:
            typer.secho(f"  {'':10} FAILED  {error}", fg=typer.colors.RED)
            intact = False
    if not intact:
        raise typer.Exit(1)


@models_app.command("show")
def show_model(model: ModelArgument, models_dir: ModelsDirOption = None, config: NodeOption = None) -> None:
    """What a model package was made for, trained on and measured at; with --config what it does in that node."""
    from scp_node.inference.packages import find_package

    package = find_package(_folder(models_dir, config), model)
    for line in description(package.manifest):
        typer.echo(line)
    if config is not None:
        use = uses_of(config).get(package.label)
        typer.echo(f"in this node {'; '.join(use_of(use)) if use else 'not in use'}")
    card = package.folder / "CARD.md"
    if card.is_file():
        typer.echo(f"card         {card}")


def checks(folder: Path, settings: Inference) -> Iterator[tuple[str, str]]:
    """Every check of a package in order, with what was seen; raises ModelUnusable at the first that fails."""
    from scp_node.inference.packages import open_package, read_reference, replay, tolerance, verify_package
    from scp_node.inference.session import InferenceSession

    package = open_package(folder)
    manifest = package.manifest
    yield "manifest", f"{package.label}, {len(manifest.findings)} finding(s)"
    weights = package.read_weights()
    yield "weights", f"SHA-256 {manifest.onnx_sha256[:16]}..., {len(weights) / 1e6:.2f} MB"
    session = InferenceSession(package, settings.providers, settings.threads)
    spec, outputs = manifest.input, manifest.outputs
    yield "graph", f"{spec.name} {spec.layout} {spec.height} x {spec.width} -> {outputs.probability}, {outputs.cam}"
    verify_package(package, session)
    count, difference = len(read_reference(package).inputs), replay(package, session)
    yield (
        "reference",
        f"{count} inputs on {session.provider}, difference {difference:.1e} (at most {tolerance(manifest):g})",
    )


def description(manifest: Manifest) -> Iterator[str]:
    """The manifest in lines for a person."""
    use = manifest.intended_use
    yield f"model        {manifest.name}@{manifest.version}: {manifest.title}"
    yield f"made by      {manifest.manufacturer}, {manifest.provenance.created}"
    yield f"for          {use.statement}"
    yield f"             {'/'.join(use.modalities)}, {'/'.join(use.body_parts)}, {'/'.join(use.views)}, " + (
        f"{use.ages.min_years:g} to {use.ages.max_years:g} years"
    )
    for finding in manifest.findings:
        concept = finding.concept
        yield f"finding      {finding.name} ({concept.value}, {concept.scheme}, {concept.meaning})"
        yield f"             positive from {finding.operating_threshold:g} ({finding.threshold_rule})"
        yield f"             calibration: {finding.calibration.summary}, {finding.calibration.fitted_on}"
    if manifest.gate is not None:
        codes = ", ".join(kind.code for kind in manifest.gate.kinds[1:])
        yield f"input gate   {manifest.gate.kinds[0].name} from {manifest.gate.threshold:g}, or declined as {codes}"
    for cohort in manifest.cohorts:
        yield f"trained on   {cohort.name}: {cohort.images} images of {cohort.patients} patients, {cohort.licence}"
    for metric in manifest.metrics:
        interval = "" if metric.low is None else f" ({metric.low:.3f} to {metric.high:.3f})"
        where = f"{metric.cohort} {metric.split}, {metric.images} images"
        yield f"measured     {metric.name} {metric.value:.3f}{interval} on {where}"
    yield f"drift        {reference_line(manifest)}"
    yield f"weights      SHA-256 {manifest.onnx_sha256}"


def gate_of(manifest: Manifest) -> str:
    """From which share on the package itself takes an image for one to analyse."""
    return "none" if manifest.gate is None else f"{manifest.gate.kinds[0].name} from {manifest.gate.threshold:g}"


def reference_line(manifest: Manifest) -> str:
    """What images are compared with."""
    found = manifest.distribution
    if found is None:
        return "no reference: the package has no section `distribution`, so that drift cannot be told"
    return f"compared with {found.images} films of {found.fitted_on}"


def uses_of(config: Path | None) -> dict[str, ModelUse]:
    """By label, what the packages do in the node of `config`: nothing without one."""
    if config is None:
        return {}
    from scp_node.monitoring.drift import drift_of
    from scp_node.monitoring.models_in_use import models_in_use
    from scp_node.settings.file import load_settings
    from scp_node.settings.places import models_dir
    from scp_node.telemetry.heartbeat import read_statuses, status_folder

    settings, senders = load_settings(config), []
    try:
        ledger = open_ledger(config)
        senders = drift_of(ledger, settings.drift, reference_of(settings))
        ledger.engine.dispose()
    except UsageError:  # the node has never run
        pass
    statuses = read_statuses(status_folder(settings.node.data_dir), time.monotonic())
    return models_in_use(settings, models_dir(settings), statuses, senders)


def use_of(use: ModelUse) -> Iterator[str]:
    """The parts of a line about one package in a node."""
    if use.routes:
        yield f"routes: {', '.join(use.routes)}"
    if use.shadow_of:
        yield f"shadow of routes: {', '.join(use.shadow_of)}"
    if use.routes:
        yield f"on {use.provider}" if use.provider else "not loaded by a running node"
        states = ", ".join(f"{state} ({count} sender{'s' if count != 1 else ''})" for state, count in use.drift)
        yield f"drift: {states or 'no images yet'}"


def _folder(models_dir: Path | None, config: Path | None = None) -> Path:
    from scp_node.settings import places
    from scp_node.settings.file import load_settings
    from scp_node.settings.places import shipped_models_dir

    if models_dir is None and config is not None:
        return places.models_dir(load_settings(config))
    return models_dir or shipped_models_dir()
