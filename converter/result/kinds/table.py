"""Every kind of result: what it is called in the settings, what it is sent as, and which module builds it.

A new kind is a new module beside this one, and a row here: settings, building, sending and rehearsal go by the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:  # the settings read this table, and need nothing of what builds
    from pydicom import Dataset

    from converter.result.kinds.content import BuiltResult, StudyContent


class KindModule(Protocol):
    """What the module of a kind offers. `built` has the results of the kinds above it in the table, by kind."""

    def build(self, content: StudyContent, built: Mapping[str, Sequence[BuiltResult]]) -> list[BuiltResult]: ...

    def told(self, built: Sequence[BuiltResult], sizes: Sequence[int]) -> str:
        """What `hilum explain` says of them; `sizes` in bytes."""

    def as_class(self, ds: Dataset, refused_class_uid: str) -> Dataset | None:
        """The same content in another SOP class, for a destination that refuses this one; None where there is none."""


@dataclass(frozen=True)
class ResultKind:
    """One row. name: in the settings and in the ledger; summary: in the reference of the settings; step: of the study
    job, as `hilum explain` shows it; sop_classes: by UID, the preferred one first; module: a KindModule, imported when
    something is built, because it loads what only building needs."""

    name: str
    summary: str
    step: str
    sop_classes: Mapping[str, str]
    module: str

    def load(self) -> KindModule:
        return cast(KindModule, import_module(self.module))


# In the order of building: a report refers to the heat maps.
RESULT_KINDS: dict[str, ResultKind] = {
    row.name: row
    for row in (
        ResultKind(
            "heatmap",
            "a Secondary Capture of each analysed image with its map",
            "build_heatmaps",
            {"1.2.840.10008.5.1.4.1.1.7": "Secondary Capture"},
            "converter.result.kinds.heatmap",
        ),
        ResultKind(
            "status",
            "a small Secondary Capture for a study of which no image was analysed, with the reasons",
            "build_status_card",
            {"1.2.840.10008.5.1.4.1.1.7": "Secondary Capture"},
            "converter.result.kinds.status",
        ),
        ResultKind(
            "sr",
            "one Structured Report of the study",
            "build_report",
            {
                "1.2.840.10008.5.1.4.1.1.88.34": "Comprehensive 3D SR",
                "1.2.840.10008.5.1.4.1.1.88.33": "Comprehensive SR",
            },
            "converter.result.kinds.structured_report",
        ),
        ResultKind(
            "pdf",
            "the one-page report of the study as an Encapsulated PDF",
            "build_pdf",
            {"1.2.840.10008.5.1.4.1.1.104.1": "Encapsulated PDF"},
            "converter.result.kinds.pdf",
        ),
    )
}
DEFAULT_KINDS = ("sr", "heatmap", "status")
# As people read them, and as they are proposed to an archive: the usual ones first.
KIND_NAMES = tuple(dict.fromkeys((*DEFAULT_KINDS, *RESULT_KINDS)))
