"""`hilum restore`: a backup becomes the data folder of a node."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scp_node.cli.moments import local
from scp_node.cli.options import operator
from scp_node.cli.terminal import counting, megabytes, say
from scp_node.errors import ExitCode
from scp_node.operations.recovery import restore as restored_from


def restore(
    folder: Annotated[Path, typer.Argument(metavar="BACKUP", help="Folder that 'hilum backup' wrote.")],
    to: Annotated[Path, typer.Option("--to", metavar="DATA_DIR", help="Empty or new folder: node.data_dir.")],
    leave_out_damaged: Annotated[
        bool, typer.Option("--leave-out-damaged", help="Restore what is whole where files of the backup are not.")
    ] = False,
) -> None:
    """Make the data folder of a node out of a backup, comparing the digest of every file. A ledger of an older release
    is brought up to date when the node starts; one of a newer release is refused."""
    with counting("restoring") as on_file:
        restored = restored_from(folder, to, operator(), leave_out_damaged=leave_out_damaged, on_file=on_file)
    marker = restored.marker
    say(f"restored the backup of {local(marker.taken_at)} (hilum {marker.release}) to {to}")
    there = marker.files - len(restored.left_out)
    say(f"files   {there} of {marker.files} ({megabytes(marker.bytes)}), every digest compared")
    if marker.ledger is None:
        say("ledger  not in it: restore the PostgreSQL database with pg_restore before the node starts", "yellow")
    else:
        say(f"ledger  {megabytes(marker.ledger.bytes)}, integrity checked")
    for name in restored.left_out:
        say(f"{name}: is not there; the PACS may send its image again", "red")
    say("next    set node.data_dir to this folder and start the node: jobs that ran then run again, and results that")
    say("        were sent after the backup are sent again, with the UIDs they had")
    say("        images that came after the backup are not known: let the PACS send them again")
    say("        packages of your own are not in a backup: add them again with 'hilum models add'")
    if restored.left_out:
        raise typer.Exit(ExitCode.FAILED)
