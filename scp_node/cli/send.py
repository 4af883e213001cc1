"""`hilum send`: store DICOM files at a remote AE, as a modality would."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from scp_node.cli.options import DEFAULT_CONFIG, ConfigOption
from scp_node.deliver.dimse.file_transfer import FileOutcome, dicom_files, transfer
from scp_node.deliver.dimse.peer import peer_of
from scp_node.errors import UsageError
from scp_node.settings.file import load_settings


def send(
    remote_ae: Annotated[str, typer.Argument(metavar="REMOTE_AE", help="Name under remote_aes.")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="DICOM files, or folders of them.", exists=True)],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """C-STORE DICOM files to a remote AE over one association, as they are on disk. Exit 1 when one was not stored."""
    settings = load_settings(config)
    remote = settings.remote_aes.get(remote_ae)
    if remote is None:
        raise UsageError(f"no remote AE is called '{remote_ae}'; known: {', '.join(settings.remote_aes)}")
    paths = dicom_files(files)
    if not paths:
        raise UsageError("there is no DICOM file in what was named")
    console = Console(highlight=False, soft_wrap=True)
    outcomes = []
    steps = transfer(peer_of(settings, remote), paths)
    for one in track(steps, "sending", total=len(paths), console=console, transient=True):
        outcomes.append(one)
        console.print(_line(one), markup=False, style="" if one.outcome.sent else "red")
    sent = sum(one.outcome.sent for one in outcomes)
    console.print(f"{sent} of {len(paths)} files stored at {remote_ae} ({remote.ae_title})")
    if sent < len(paths):
        raise typer.Exit(1)


def _line(one: FileOutcome) -> str:
    outcome = one.outcome
    status = "" if outcome.status is None else f" [status 0x{outcome.status:04X}]"
    comment = f" '{outcome.comment}'" if outcome.comment else ""
    return f"{one.path}: {outcome.code}: {outcome.message}{status}{comment}"
