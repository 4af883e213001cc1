"""`hilum migrate`: the ledger into another database, while the node is stopped."""

from __future__ import annotations

from typing import Annotated

import typer

from converter.page.counted import counted
from scp_node.cli.options import DEFAULT_CONFIG, ConfigOption, operator
from scp_node.cli.terminal import counting, say
from scp_node.operations.recovery import move
from scp_node.settings.file import load_settings


def migrate(
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="URL",
            envvar="HILUM_MIGRATE_TO",
            help="Database to move the ledger to: postgresql+psycopg://USER@HOST/NAME, or sqlite:////FILE for the way "
            "back. The password comes from PGPASSWORD or ~/.pgpass, so that no list of processes shows it.",
        ),
    ],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Move the ledger to another database while the node is stopped: all rows in one transaction, read back and
    compared. Images and results stay where they are. Interrupted and run again, it copies nothing twice."""
    settings = load_settings(config)
    with counting("copying rows") as on_row:
        moved = move(settings, to, operator(), on_row=on_row)
    rows = counted(sum(moved.tables.values()), "row")
    how = "were there already" if moved.was_there else "copied and compared"
    say(f"{rows} in {counted(len(moved.tables), 'table')} {how}")
    if moved.kept_aside is not None:
        say(f"old       {moved.kept_aside}: kept, and no node opens it")
    say(f"now set   storage.database_url: {moved.target}")
