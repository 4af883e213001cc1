"""Sends DICOM files of any class the way a modality would: contexts from the files, one association for up to 128."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scp_node.deliver.dimse.association import Association
from scp_node.deliver.dimse.negotiation import CONTEXTS_MAX, Proposal
from scp_node.deliver.dimse.peer import Peer
from scp_node.deliver.dimse.statuses import row_of_status
from scp_node.deliver.outcomes import PeerFault, SendOutcome, not_sent
from scp_node.deliver.part10 import (
    CONVERTIBLE,
    NotPart10,
    Part10File,
    dataset_stream,
    has_preamble,
    read_part10,
)


@dataclass(frozen=True)
class FileOutcome:
    path: Path
    outcome: SendOutcome


def dicom_files(paths: Iterable[Path]) -> list[Path]:
    """Files as named, and within folders every file with a Part 10 preamble but a DICOMDIR, in order of their names."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = (inner for inner in path.rglob("*") if inner.is_file() and inner.name != "DICOMDIR")
            found += sorted(inner for inner in inside if has_preamble(inner))
        else:
            found.append(path)
    return found


def transfer(peer: Peer, paths: Sequence[Path]) -> Iterator[FileOutcome]:
    """C-STORE each file, yielding how it went as soon as it is known. A lost association is opened once again for each
    file that it left unsent; when none can be opened at all, every remaining file gets that reason."""
    sendable: list[Part10File] = []
    for path in paths:
        try:
            file = read_part10(path)
        except NotPart10 as error:
            yield _not_sent(path, "not-part10", str(error))
        except OSError as error:
            yield _not_sent(path, "file-missing", error.strerror or "")
        else:
            sendable.append(file)
    for batch in _batches(sendable):
        yield from _transfer_batch(peer, *batch)


def _transfer_batch(peer: Peer, proposals: tuple[Proposal, ...], files: list[Part10File]) -> Iterator[FileOutcome]:
    association: Association | None = None
    try:
        for position, file in enumerate(files):
            try:
                association = association or Association(peer, proposals)
            except PeerFault as fault:
                yield from (_not_sent(rest.path, fault.code, fault.detail) for rest in files[position:])
                return
            try:
                yield _store(association, file)
            except PeerFault as fault:
                association.abort()
                association = None
                yield _not_sent(file.path, fault.code, fault.detail)
            except NotPart10 as error:
                yield _not_sent(file.path, "not-part10", str(error))
            except OSError as error:
                association.abort()
                association = None
                yield _not_sent(file.path, "file-missing", error.strerror or "")
    finally:
        if association is not None:
            association.release()


def _store(association: Association, file: Part10File) -> FileOutcome:
    proposal = next((p for p in _proposals(file) if p in association.accepted), None)
    if proposal is None:
        refused = "syntax-not-accepted" if association.accepts(file.sop_class_uid) else "class-not-accepted"
        return _not_sent(file.path, refused)
    dataset, length = dataset_stream(file, proposal.transfer_syntax_uid)
    with dataset:
        response = association.store(proposal, file.sop_instance_uid, dataset, length)
    row = row_of_status(response.status)
    return FileOutcome(file.path, SendOutcome(row.verdict, row.code, row.meaning, response.status, response.comment))


def _proposals(file: Part10File) -> tuple[Proposal, ...]:
    """The contexts a file can be sent in, best first: as stored, then re-encoded where that loses nothing."""
    syntaxes = [file.transfer_syntax_uid]
    if file.transfer_syntax_uid in CONVERTIBLE:
        syntaxes += [syntax for syntax in CONVERTIBLE[:2] if syntax not in syntaxes]
    return tuple(Proposal(file.sop_class_uid, syntax) for syntax in syntaxes)


def _batches(files: Sequence[Part10File]) -> Iterator[tuple[tuple[Proposal, ...], list[Part10File]]]:
    """Files in their order, cut where an association would need more than 128 contexts (PS3.8 7.1.1.13)."""
    proposals: dict[Proposal, None] = {}
    batch: list[Part10File] = []
    for file in files:
        wanted = dict.fromkeys(_proposals(file))
        if len(proposals | wanted) > CONTEXTS_MAX:
            yield tuple(proposals), batch
            proposals, batch = {}, []
        proposals |= wanted
        batch.append(file)
    if batch:
        yield tuple(proposals), batch


def _not_sent(path: Path, code: str, detail: str = "") -> FileOutcome:
    return FileOutcome(path, not_sent(code, detail))
