"""What several commands share: options, the node that they are about, and who gives the command."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scp_node.errors import HilumError, UsageError
from scp_node.settings.file import load_settings
from scp_node.settings.places import database_url

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from scp_node.ledger import Ledger
    from scp_node.operations.acts import Operator
    from scp_node.settings import Settings
    from scp_node.settings.postgresql import DatabaseLimits

ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config", "-c", help="Configuration of the node.", envvar="HILUM_CONFIG", readable=False, show_default=True
    ),
]
PlaceOption = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        "--data-dir",
        metavar="PATH",
        help="Configuration of the node, or its data folder, when the configuration is not at hand.",
        envvar="HILUM_CONFIG",
        readable=False,  # whether it can be read is told in words of our own
        show_default=True,
    ),
]
DEFAULT_CONFIG = Path("config/node.yaml")
ModelsDirOption = Annotated[
    Path | None, typer.Option("--models-dir", help="Folder of model packages; the shipped one if absent.")
]
ModelOption = Annotated[
    str | None,
    typer.Option(metavar="NAME[@VERSION]", help="Model package; if absent pneumonia, or the only one of --models-dir."),
]
NodeOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Configuration of a node: its packages, and their use.", envvar="HILUM_CONFIG"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


@contextmanager
def reading_node(config: Path) -> Iterator[tuple[Settings, Ledger]]:
    """Settings and ledger of a node for a command that only looks: it needs to know where the data are and no more,
    and can neither change nor block anything. `config` may be the data folder itself.

    Raises UsageError when the node has never run, and ConfigurationError when its places cannot be told.
    """
    from scp_node.ledger.database import open_for_reading
    from scp_node.settings.for_reading import settings_for_reading

    settings = settings_for_reading(config)
    with _opened(settings, config, open_for_reading) as ledger:
        yield settings, ledger


@contextmanager
def writing_node(config: Path) -> Iterator[tuple[Settings, Ledger]]:
    """Settings and ledger of a node for a command that changes something. Raises as `reading_node` does, and
    ConfigurationError for any other problem of the configuration."""
    from scp_node.ledger.database import open_database
    from scp_node.ledger.job_order import go_by, head_starts

    settings = load_settings(config)
    with _opened(settings, config, open_database) as ledger:
        go_by(ledger.engine, head_starts(settings))
        yield settings, ledger


@contextmanager
def _opened(settings: Settings, config: Path, open_engine: Callable[[str, DatabaseLimits], Engine]) -> Iterator[Ledger]:
    from sqlalchemy.exc import SQLAlchemyError

    from scp_node.ledger import Ledger
    from scp_node.ledger.shape import shape_of

    data_dir = settings.node.data_dir
    try:
        is_there = settings.storage.database_url is not None or (data_dir / "ledger.db").exists()
    except PermissionError as error:
        raise UsageError(
            f"{data_dir}: {error.strerror}: give this command as the user of the node, or as root"
        ) from error
    if not is_there:
        raise UsageError(f"no ledger under {data_dir}: has 'hilum serve' run with {config}?")
    engine = open_engine(database_url(settings), settings.storage.postgresql.limits("command"))
    try:
        try:
            shape = shape_of(engine)
        except SQLAlchemyError as error:
            raise HilumError(
                f"the ledger of {data_dir} cannot be read: {getattr(error, 'orig', None) or error}"
            ) from error
        if shape.is_older:
            raise UsageError(
                f"the ledger of {data_dir} is of an older release: the next start of 'hilum serve' updates it"
            )
        if shape.fault:
            raise UsageError(f"{data_dir}: {shape.fault}. {shape.remedy}")
        yield Ledger(engine)
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


def recorded_operator(ledger: Ledger) -> Operator:
    """The same, whose acts are entered in the audit trail, too."""
    from dataclasses import replace

    from scp_node.operations.audit import LedgerRecorder

    return replace(operator(), recorder=LedgerRecorder(ledger))
