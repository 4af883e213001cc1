"""`hilum models`: which model packages there are, what they were made for, and whether they are intact."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scp_node.cli.predict import ModelsDirOption
from scp_node.errors import HilumError, ModelUnusable, UsageError
from scp_node.settings import Inference

if TYPE_CHECKING:
    from converter.manifest import Manifest

models_app = typer.Typer(
    help="List, show and verify the model packages of this installation, or of --models-dir.", no_args_is_help=True
)
ModelArgument = Annotated[str, typer.Argument(metavar="NAME[@VERSION]", help="Without a version: the highest one.")]


@models_app.command("list")
def list_models(models_dir: ModelsDirOption = None) -> None:
    """One line for each model package."""
    from scp_node.inference.library import open_package, package_folders

    for folder in package_folders(_folder(models_dir)):
        label = f"{folder.parent.name}@{folder.name}"
        try:
            manifest = open_package(folder).manifest
        except ModelUnusable as error:
            typer.secho(f"{label:28} unusable: {error}", fg=typer.colors.RED)
            continue
        findings = ", ".join(finding.name for finding in manifest.findings)
        typer.echo(f"{label:28} {manifest.title}: {findings}")


@models_app.command("verify")
def verify_models(
    model: Annotated[
        str | None, typer.Argument(metavar="NAME[@VERSION]", help="Model package; every one if absent.")
    ] = None,
    models_dir: ModelsDirOption = None,
) -> None:
    """Check manifest, weights and graph, and replay the reference inputs. Exit 1 when a check fails."""
    from scp_node.inference.library import find_package, package_folders

    folder = _folder(models_dir)
    folders = package_folders(folder) if model is None else [find_package(folder, model).folder]
    if not folders:
        raise UsageError(f"no model package in {folder}")
    intact = True
    for package in folders:
        typer.echo(f"{package.parent.name}@{package.name} in {package}")
        try:
            for check, detail in checks(package):
                typer.echo(f"  {check:10} ok      {detail}")
        except HilumError as error:
            typer.secho(f"  {'':10} FAILED  {error}", fg=typer.colors.RED)
            intact = False
    if not intact:
        raise typer.Exit(1)


@models_app.command("show")
def show_model(model: ModelArgument, models_dir: ModelsDirOption = None) -> None:
    """What a model package was made for, trained on and measured at."""
    from scp_node.inference.library import find_package

    package = find_package(_folder(models_dir), model)
    for line in description(package.manifest):
        typer.echo(line)
    card = package.folder / "CARD.md"
    if card.is_file():
        typer.echo(f"card         {card}")


def checks(folder: Path) -> Iterator[tuple[str, str]]:
    """Every check of a package in order, with what was seen; raises ModelUnusable at the first that fails."""
    from scp_node.inference.library import TOLERANCE, open_package, read_reference, replay, verify_package
    from scp_node.inference.session import InferenceSession

    package = open_package(folder)
    manifest, settings = package.manifest, Inference()
    yield "manifest", f"{package.label}, {len(manifest.findings)} finding(s)"
    weights = package.read_weights()
    yield "weights", f"SHA-256 {manifest.onnx_sha256[:16]}..., {len(weights) / 1e6:.2f} MB"
    session = InferenceSession(package, settings.providers, settings.threads)
    spec, outputs = manifest.input, manifest.outputs
    yield "graph", f"{spec.name} {spec.layout} {spec.height} x {spec.width} -> {outputs.probability}, {outputs.cam}"
    verify_package(package, session)
    count, difference = len(read_reference(package).inputs), replay(package, session)
    yield "reference", f"{count} inputs on {session.provider}, difference {difference:.1e} (at most {TOLERANCE:g})"


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
    yield f"weights      SHA-256 {manifest.onnx_sha256}"


def _folder(models_dir: Path | None) -> Path:
    from scp_node.inference.library import shipped_models_dir

    return models_dir or shipped_models_dir()
