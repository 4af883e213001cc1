"""`hilum models add`: takes in a model package, and says what a node needs to serve it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from scp_node.cli.options import NodeOption, operator
from scp_node.cli.terminal import say
from scp_node.settings import Inference, Settings, places
from scp_node.settings.file import load_settings

# Where neither a node nor a folder is named.
DEFAULT_DIR = Path("hilum-models")


def add(
    package: Annotated[
        Path, typer.Argument(metavar="PACKAGE", exists=True, help="Folder of a package, or a .tar.gz or .zip of it.")
    ],
    models_dir: Annotated[
        Path | None,
        typer.Option(
            "--models-dir",
            help="Folder of packages to put it into; that of the node of --config if absent, else ./hilum-models.",
        ),
    ] = None,
    config: NodeOption = None,
) -> None:
    """Check a model package as `hilum models verify` does, copy it, and print the lines that a node needs to serve it.

    A version that is there already is never changed. Exit 0 added, or there already; 1 a check failed; 2 the version is
    there with other content.
    """
    from converter.package.baseline import told_of
    from scp_node.checks.package import check_package
    from scp_node.operations.model_packages import add_package, staged

    settings = None if config is None else load_settings(config)
    target = (models_dir or (DEFAULT_DIR if settings is None else places.own_models_dir(settings))).absolute()
    known = (places.shipped_models_dir(),) if settings is None else places.model_folders(settings)
    with staged(package, target) as copied:
        say(f"{copied.label} from {package}")
        for check in check_package(copied.folder, Inference() if settings is None else settings.inference):
            say(f"  {check.name:10} ok      {check.detail}")
        there, is_new = add_package(copied, target, known, operator())
    say(f"{'added' if is_new else 'is there already'}: {there.folder}")
    for text in told_of(there.manifest.metrics):
        say(f"WARNING: {text}", "red")
    for line in needed(there.pin, there.folder.parents[1], settings, config):
        say(line)


def needed(pin: str, folder: Path, settings: Settings | None, config: Path | None) -> Iterator[str]:
    """What node.yaml needs: the folder, where a node would not look into it, and the model of a route."""
    yield f"in {config or 'node.yaml'}:"
    if settings is None and folder != places.shipped_models_dir():
        yield "  inference:"
        yield f"    models_dir: {folder}   # or run this command with --config, which puts it where the node looks"
    elif settings is not None and folder not in places.model_folders(settings):
        yield "  inference:"
        yield f"    models_dir: {folder}   # the node looks into {places.own_models_dir(settings)} now"
    yield "  routes:"
    yield f"    - model: {pin}   # and the rest of the route as it is"
    yield f"to try it: hilum predict FILE --model {pin.partition('#')[0]} --models-dir {folder}"
