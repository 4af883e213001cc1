"""`hilum send`: store DICOM files at a remote AE, as a modality would."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from converter.page.counted import counted
from scp_node.cli.options import DEFAULT_CONFIG, ConfigOption, operator
from scp_node.cli.terminal import progress, say
from scp_node.deliver.dimse.file_transfer import FileOutcome
from scp_node.deliver.outcomes import in_words
from scp_node.errors import ExitCode
from scp_node.operations.sending import files_to_send, send_files
from scp_node.settings.file import load_settings


def send(
    remote_ae: Annotated[str, typer.Argument(metavar="REMOTE_AE", help="Name under remote_aes.")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="DICOM files, or folders of them.", exists=True)],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """C-STORE DICOM files to a remote AE over one association, as they are on disk. Exit 1 when one was not stored."""
    wanted = files_to_send(load_settings(config), remote_ae, files)
    total = len(wanted.paths)
    with progress() as bar:
        task = bar.add_task("sending", total=total)

        def show(one: FileOutcome) -> None:
            say(f"{one.path}: {in_words(one.outcome, wanted.peer.called_ae_title)}", "" if one.outcome.sent else "red")
            bar.advance(task)

        sent = send_files(wanted, operator(), show)
    say(f"{sent.stored} of {counted(total, 'file')} stored at {remote_ae} ({wanted.peer.called_ae_title})")
    if sent.stored < total:
        raise typer.Exit(ExitCode.FAILED)
