"""What several commands share: options, the node that they are about, and who gives the command."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scp_node.errors import UsageError
from scp_node.settings.file import load_settings
from scp_node.settings.places import database_url

if TYPE_CHECKING:
    from scp_node.ledger import Ledger
    from scp_node.operations.acts import Operator
    from scp_node.settings import Settings

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", help="Configuration of the node.", envvar="HILUM_CONFIG", show_default=True)
]
DEFAULT_CONFIG = Path("config/node.yaml")
ModelsDirOption = Annotated[
    Path | None, typer.Option("--models-dir", help="Folder of model packages; the shipped one if absent.")
]
ModelOption = Annotated[
    str | None, typer.Option(metavar="NAME[@VERSION]", help="Model package; the only one there is if absent.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


@contextmanager
def opened_node(config: Path) -> Iterator[tuple[Settings, Ledger]]:
    """Settings and ledger of a configured node. Raises UsageError when the node has never run."""
    from scp_node.ledger import Ledger
    from scp_node.ledger.database import open_database

    settings = load_settings(config)
    if settings.storage.database_url is None and not (settings.node.data_dir / "ledger.db").exists():
        raise UsageError(f"no ledger under {settings.node.data_dir}: has 'hilum serve' run with {config}?")
    engine = open_database(database_url(settings))
    try:
        yield settings, Ledger(engine)
    finally:
        engine.dispose()


def operator() -> Operator:
    """The operating-system user, whose acts are told to the log."""
    from scp_node.operations.acts import LogRecorder, Operator

    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:  # a container may run as a user that has no name
        name = f"uid {uid}"
    return Operator(name, LogRecorder())
