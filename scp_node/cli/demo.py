"""`hilum demo`: the main job once, from radiograph to report, on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scp_node.demo.run import run_demo


def demo(
    study: Annotated[
        Path | None, typer.Option(exists=True, help="Your own DICOM file or folder; default: a computed radiograph.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the node's folder too (configuration, ledger, spool, log).")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder for results; nothing else is written.")] = Path("hilum-demo"),
    timeout: Annotated[float, typer.Option(min=5, max=3600, help="Seconds to wait for the results.")] = 120.0,
) -> None:
    """Start the node and a small archive on free ports of this machine, send one study, and show what comes back.

    Exit 0 when report and heat map arrived and belong to the study, 3 when no image of it could be analysed, else 1.
    """
    raise typer.Exit(run_demo(study, out, keep, timeout, Console(soft_wrap=True)))
