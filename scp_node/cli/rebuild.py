"""`hilum rebuild`: a new ledger out of the spool, when the old one is lost or damaged."""

from __future__ import annotations

from typing import Annotated

import typer

from converter.page.counted import counted
from scp_node.cli.options import DEFAULT_CONFIG, ConfigOption, operator
from scp_node.cli.terminal import counting, say
from scp_node.operations.recovery import rebuild as rebuilt_of
from scp_node.settings.file import load_settings

# What no file of the spool tells.
LOST = "what was delivered and confirmed, findings and declines, events, dead letters, drift, second models' scores"


def rebuild(
    config: ConfigOption = DEFAULT_CONFIG,
    reanalyse: Annotated[
        bool, typer.Option("--reanalyse", help="Analyse and report also the images that have results in the spool.")
    ] = False,
    replace_whole: Annotated[
        bool, typer.Option("--replace-whole", help="Also where the ledger is there and whole.")
    ] = False,
) -> None:
    """Make a new ledger out of the spool while the node is stopped. Images without a result are analysed when it
    starts; what is in a result already is not, and nothing is sent twice. The old ledger is kept beside the new one."""
    settings = load_settings(config)
    with counting("reading the spool") as on_file:
        done = rebuilt_of(settings, operator(), reanalyse=reanalyse, replace_whole=replace_whole, on_file=on_file)
    say(f"a new ledger in {settings.node.data_dir}")
    say(f"images    {done.images} in {done.versions} versions: {done.to_analyse} are analysed when the node starts")
    say(f"results   {done.results} in {counted(done.reports, 'report')}: nothing is sent again")
    if done.unknown_senders:
        say(f"senders   unknown of {done.unknown_senders} versions: entered as of {done.sender_of_unknown}", "yellow")
    for name in done.left_alone:
        say(f"{name}: neither an object that was received nor a result, left where it is", "yellow")
    if done.left_alone_count > len(done.left_alone):
        say(f"and {done.left_alone_count - len(done.left_alone)} more", "yellow")
    if done.kept_aside:
        say(f"old       {', '.join(path.name for path in done.kept_aside)}: kept")
    say(f"lost      {LOST}")
