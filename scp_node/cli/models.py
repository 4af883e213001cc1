"""`hilum models`: which model packages there are, what they were made for, whether they are intact, what they do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scp_node.cli.added_model import add
from scp_node.cli.listing import JsonLinesOption
from scp_node.cli.model_reports import agreement, drift
from scp_node.cli.options import ModelsDirOption, NodeOption, reading_node
from scp_node.cli.terminal import say, say_json
from scp_node.errors import ExitCode, HilumError, UsageError
from scp_node.settings import Inference, places
from scp_node.settings.for_reading import settings_for_reading

if TYPE_CHECKING:
    from scp_node.monitoring.models_in_use import ModelUse

models_app = typer.Typer(
    help="List, show and verify the model packages of this installation, of --models-dir or of the node of --config.",
    no_args_is_help=True,
)
models_app.command("add")(add)
models_app.command("agreement")(agreement)
models_app.command("drift")(drift)
ModelArgument = Annotated[str, typer.Argument(metavar="NAME[@VERSION]", help="Without a version: the highest one.")]


@models_app.command("list")
def list_models(models_dir: ModelsDirOption = None, config: NodeOption = None, json: JsonLinesOption = False) -> None:
    """One line for each model package; with --config what each does in that node."""
    from scp_node.cli.model_lines import use_of
    from scp_node.queries import model_packages
    from scp_node.queries.document import document_of

    for one in model_packages.list_models(_folders(models_dir, config), _uses(config)):
        if json:
            say_json(document_of(one))
            continue
        if one.problem:
            say(f"{one.label:28} {one.problem}", "red")
            continue
        say(f"{one.label:28} {one.title}: {', '.join(one.findings)}")
        say(f"{'':28} pin: {one.pin}")
        if config is not None:
            say(f"{'':28} {use_of(one.use)}; gate: {one.gate}; lungs: {one.lungs}")


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
    from scp_node.checks.package import check_package
    from scp_node.inference.packages import find_package, package_folders

    places_of = _folders(models_dir, config)
    folders = package_folders(places_of) if model is None else [find_package(places_of, model).folder]
    if not folders:
        raise UsageError(f"no model package in {' or '.join(map(str, places_of))}")
    limits = Inference() if config is None else settings_for_reading(config).inference
    intact = True
    for package in folders:
        say(f"{package.parent.name}@{package.name} in {package}")
        try:
            for check in check_package(package, limits):
                say(f"  {check.name:10} ok      {check.detail}")
        except HilumError as error:
            say(f"  {'':10} FAILED  {error}", "red")
            intact = False
    if not intact:
        raise typer.Exit(ExitCode.FAILED)


@models_app.command("show")
def show_model(model: ModelArgument, models_dir: ModelsDirOption = None, config: NodeOption = None) -> None:
    """What a model package was made for, trained on and measured at; with --config what it does in that node."""
    from scp_node.cli.model_lines import description, use_of
    from scp_node.queries.model_packages import model_details

    details = model_details(_folders(models_dir, config), model, _uses(config))
    for line in description(details):
        say(line)
    if config is not None:
        say(f"in this node {use_of(details.use)}")
    if details.card is not None:
        say(f"card         {details.card}")


def _uses(config: Path | None) -> dict[str, ModelUse]:
    """By label, what the packages do in the node of `config`: nothing without one."""
    from scp_node.queries.model_packages import model_uses

    if config is None:
        return {}
    try:
        with reading_node(config) as (settings, ledger):
            return model_uses(settings, ledger)
    except UsageError:  # the node has never run
        return model_uses(settings_for_reading(config), None)


def _folders(models_dir: Path | None, config: Path | None) -> tuple[Path, ...]:
    if models_dir is None and config is not None:
        return places.model_folders(settings_for_reading(config))
    return (models_dir or places.shipped_models_dir(),)
