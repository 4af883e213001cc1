"""`hilum backup`: ledger and spool of a node that runs, as they were at one moment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from converter.page.counted import counted
from scp_node.cli.moments import local
from scp_node.cli.options import DEFAULT_CONFIG, ConfigOption, operator, writing_node
from scp_node.cli.terminal import counting, megabytes, say
from scp_node.errors import ExitCode
from scp_node.operations.recovery import back_up
from scp_node.recovery.backup import BackupMade

FAULTS = {"lost": "the spool has lost it", "damaged": "not what was received: the spool has it so"}


def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the backup: new, or to be renewed.")],
    config: ConfigOption = DEFAULT_CONFIG,
    verify: Annotated[bool, typer.Option("--verify", help="Read every file of the backup again, and compare.")] = False,
) -> None:
    """Back up a node while it runs: the ledger as of now, every file that it names, and the configuration. What DIR
    has already is not copied again. Exit 1 when the spool itself has lost or damaged a file, which is named."""
    with writing_node(config) as (settings, ledger), counting("backing up") as on_file:
        made = back_up(settings, ledger, config, folder, operator(), verify=verify, on_file=on_file)
    _tell(made, verify)
    if made.faults:
        raise typer.Exit(ExitCode.FAILED)


def _tell(made: BackupMade, verify: bool) -> None:
    marker = made.marker
    brought = ", ".join(f"{count} {way}" for way, count in made.ways.items())
    say(f"backup of {local(marker.taken_at)} in {made.folder}")
    say(f"files   {marker.files} ({megabytes(marker.bytes)}): {made.reused} were there, new: {brought or 'none'}")
    if marker.ledger is None:
        say("ledger  not in it: back up the PostgreSQL database with pg_dump, before each 'hilum backup'", "yellow")
    else:
        say(f"ledger  {megabytes(marker.ledger.bytes)}, integrity checked")
    if made.pruned:
        say(f"removed {counted(made.pruned, 'file')} that the ledger names no more")
    whose = "every file that the spool has" if made.faults else "whole: every file"
    say(f"{whose} is there with its {'size and digest' if verify else 'size'}")
    for entry in made.faults:
        say(f"{entry.name}: {FAULTS[entry.fault]}", "red")
