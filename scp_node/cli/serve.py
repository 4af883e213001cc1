"""`hilum serve`: run the node."""

from __future__ import annotations

from typing import Annotated

import typer

from scp_node.cli.options import DEFAULT_CONFIG, ConfigOption
from scp_node.node import supervisor as node
from scp_node.node.role import ROLES


def serve(
    config: ConfigOption = DEFAULT_CONFIG,
    only: Annotated[
        list[str] | None, typer.Option(help=f"Run this role only ({', '.join(ROLES)}); may be given more than once.")
    ] = None,
) -> None:
    """Run the node: receive, analyse, report, deliver. Ends on SIGTERM or Ctrl-C; SIGHUP reloads the configuration."""
    raise typer.Exit(node.serve(config, only or ()))
