"""Stores DICOM files at a remote AE, as a modality would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from converter.page.counted import counted
from scp_node.deliver.dimse.file_transfer import FileOutcome, dicom_files, transfer
from scp_node.deliver.dimse.peer import Peer, peer_of
from scp_node.deliver.outcomes import at_place
from scp_node.errors import UsageError
from scp_node.operations.acts import Act, Operator
from scp_node.settings import Settings


@dataclass(frozen=True)
class FilesToSend:
    """Which files go to which remote AE."""

    remote_name: str
    peer: Peer
    paths: tuple[Path, ...]


@dataclass(frozen=True)
class SentFiles:
    """What became of each file, and the record of the act."""

    outcomes: tuple[FileOutcome, ...]
    act: Act

    @property
    def stored(self) -> int:
        return sum(one.outcome.sent for one in self.outcomes)


def files_to_send(settings: Settings, remote_name: str, files: Sequence[Path]) -> FilesToSend:
    """The DICOM files among `files` and in folders of them. Raises UsageError for an unknown remote AE or no file."""
    remote = settings.remote_aes.get(remote_name)
    if remote is None:
        raise UsageError(f"no remote AE is called '{remote_name}'; known: {', '.join(settings.remote_aes)}")
    paths = tuple(dicom_files(files))
    if not paths:
        raise UsageError("there is no DICOM file in what was named")
    return FilesToSend(remote_name, peer_of(settings, remote), paths)


def send_files(wanted: FilesToSend, operator: Operator, on_outcome: Callable[[FileOutcome], None]) -> SentFiles:
    """C-STORE the files over one association; `on_outcome` is told of each as soon as it is known."""
    outcomes: list[FileOutcome] = []
    try:
        for found in transfer(wanted.peer, wanted.paths):
            message = at_place(found.outcome.message, wanted.remote_name)
            one = replace(found, outcome=replace(found.outcome, message=message))
            outcomes.append(one)
            on_outcome(one)
    finally:
        stored = sum(one.outcome.sent for one in outcomes)
        act = operator.record(
            "send-files",
            "remote-ae",
            wanted.remote_name,
            "done" if stored == len(wanted.paths) else "failed",
            f"{stored} of {counted(len(wanted.paths), 'file')} stored",
        )
    return SentFiles(tuple(outcomes), act)
