"""Results of this node that lie in its spool: which images each is about, and in which report it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from pydicom import Dataset

from converter.image.header import items, value, whole_number
from converter.result.kinds.table import kind_of_object
from converter.result.messages.table import MESSAGE_CLASSES, MESSAGE_KINDS
from scp_node.dimse.uids import is_uid_as_sent
from scp_node.ledger import NewResult
from scp_node.recovery.result_models import KnownModels, model_of
from scp_node.recovery.spooled_object import SpooledObject
from scp_node.settings import Route

REPORT_KIND = "sr"
# Kinds that are made once a study, and number themselves as its reports do.
DOCUMENT_KINDS = (REPORT_KIND, "text_sr", "kos", "pdf", "status")
# A number that no node has come to is none.
REVISION_MAX = 1_000_000


class FoundResult(BaseModel):
    """A result and what it says of itself. `refers_to`: images, and the heat maps that a report names."""

    model_config = ConfigDict(frozen=True)
    sop_instance_uid: str
    sop_class_uid: str
    series_instance_uid: str
    study_instance_uid: str
    accession_number: str
    kind: str
    spool_name: str
    bytes: int
    sha256: str
    written_at: datetime
    revision: int
    model: str
    refers_to: tuple[str, ...]

    @property
    def is_document(self) -> bool:
        return self.kind in DOCUMENT_KINDS

    def row(self) -> NewResult:
        """As the ledger has it. It names no version of its image, so that no later report takes it for its own."""
        is_of_image = not self.is_document and len(self.refers_to) == 1
        return NewResult(
            sop_instance_uid=self.sop_instance_uid,
            sop_class_uid=self.sop_class_uid,
            series_instance_uid=self.series_instance_uid,
            kind=self.kind,
            spool_name=self.spool_name,
            bytes=self.bytes,
            sha256=self.sha256,
            source_instance_uid=self.refers_to[0] if is_of_image else None,
        )


# Results that have the revision of their report as Instance Number.
NUMBERED = (*DOCUMENT_KINDS, *MESSAGE_KINDS)


@dataclass(frozen=True)
class FoundReport:
    """Results that were made together; `revision` is at least that of each."""

    route: str
    revision: int
    results: tuple[FoundResult, ...]

    @property
    def images(self) -> tuple[str, ...]:
        ours = {one.sop_instance_uid for one in self.results}
        return tuple(dict.fromkeys(uid for one in self.results for uid in one.refers_to if uid not in ours))


def result_in(found: SpooledObject, ds: Dataset, models: KnownModels) -> FoundResult:
    """What a result says of itself; `ds` is its header."""
    header = found.header
    kind = _kind_of(header.sop_class_uid, ds)
    return FoundResult(
        sop_instance_uid=header.sop_instance_uid,
        sop_class_uid=header.sop_class_uid,
        series_instance_uid=header.series_instance_uid,
        study_instance_uid=header.study_instance_uid,
        accession_number=header.accession_number,
        kind=kind,
        spool_name=found.name,
        bytes=found.bytes,
        sha256=found.sha256,
        written_at=found.written_at,
        revision=min(max(whole_number(ds, "InstanceNumber") or 1, 1), REVISION_MAX) if kind in NUMBERED else 0,
        model=model_of(ds, models),
        refers_to=tuple(dict.fromkeys(_references(ds))),
    )


def _kind_of(sop_class_uid: str, ds: Dataset) -> str:
    if sop_class_uid in MESSAGE_CLASSES:
        return MESSAGE_CLASSES[sop_class_uid].name
    return kind_of_object(sop_class_uid, names_source_image=bool(items(ds, "SourceImageSequence"))) or "other"


def _references(ds: Dataset) -> Iterator[str]:
    """A document lists its evidence (PS3.3 C.17.2.3), a picture its source images (C.7.6.1), a presentation state the
    images that it is for (C.11.11)."""
    referred = [
        *(
            one
            for study in items(ds, "CurrentRequestedProcedureEvidenceSequence")
            for series in items(study, "ReferencedSeriesSequence")
            for one in items(series, "ReferencedSOPSequence")
        ),
        *items(ds, "SourceImageSequence"),
        *(one for series in items(ds, "ReferencedSeriesSequence") for one in items(series, "ReferencedImageSequence")),
    ]
    for one in referred:
        uid = str(value(one, "ReferencedSOPInstanceUID") or "")
        if is_uid_as_sent(uid):
            yield uid


def reports_of(results: Sequence[FoundResult], routes: Sequence[Route]) -> list[FoundReport]:
    """The reports of one study, by revision. Pictures are with the first report that names them, presentation states
    with the first one on their film, or together in one of their own, whose number is as high as theirs can be."""
    waiting = {one.sop_instance_uid: one for one in results if not one.is_document}
    reports, taken = list[FoundReport](), set[tuple[str, int]]()
    for documents in _documents(results):
        named = list(dict.fromkeys(uid for document in documents for uid in document.refers_to))
        pictures = [waiting.pop(uid) for uid in named if uid in waiting]
        on_films = [uid for uid, one in waiting.items() if one.refers_to and {*one.refers_to} <= {*named}]
        pictures += [waiting.pop(uid) for uid in on_films if waiting[uid].model == documents[0].model]
        pictures += [waiting.pop(uid) for uid, one in list(waiting.items()) if _is_about(one, documents[0])]
        reports.append(_report((*documents, *pictures), documents[0].revision, routes, taken))
    if waiting:
        reports.append(_report(tuple(waiting.values()), len(waiting), routes, taken))
    return reports


def _documents(results: Sequence[FoundResult]) -> list[list[FoundResult]]:
    """Those of one report together, in the order of the revisions; each Structured Report is of a report of its own."""
    found = list[list[FoundResult]]()
    documents = (one for one in results if one.is_document)
    for document in sorted(documents, key=lambda one: (DOCUMENT_KINDS.index(one.kind), _in_order(one))):
        beside = (
            others
            for others in found
            if (others[0].model, others[0].revision) == (document.model, document.revision)
            and document.kind not in {other.kind for other in others}
        )
        mine = next(beside, None)
        if mine is None:
            found.append([document])
        else:
            mine.append(document)
    return sorted(found, key=lambda one: _in_order(one[0]))


def _is_about(one: FoundResult, document: FoundResult) -> bool:
    """Whether it is a message about the report that the document belongs to."""
    said = (one.revision, one.model)
    return one.kind in MESSAGE_KINDS and said == (document.revision, document.model)


def _in_order(one: FoundResult) -> tuple[int, datetime, str]:
    return one.revision, one.written_at, one.sop_instance_uid


def _report(
    results: tuple[FoundResult, ...], revision: int, routes: Sequence[Route], taken: set[tuple[str, int]]
) -> FoundReport:
    """Under a number that no other report of the route has."""
    route = routes_of(results[0].model, routes)[0]
    while (route, revision) in taken:
        revision += 1
    taken.add((route, revision))
    return FoundReport(route, revision, results)


def routes_of(model: str, routes: Sequence[Route]) -> list[str]:
    """The routes whose results a model may have made, or the first one."""
    name = model.partition("@")[0]
    return [route.name for route in routes if route.model.partition("@")[0] == name] or [routes[0].name]


def shard_files(spool: Path) -> Iterator[Path]:
    """Every file of a spool in the order of the names, one folder at a time."""
    for shard in sorted(spool.glob("[0-9a-f][0-9a-f]")):
        if shard.is_dir() and not shard.is_symlink():
            yield from sorted(shard.iterdir())
