"""Every kind of result: what it is called in the settings, what it is sent as, and which module builds it.

A new kind is a new module beside this one, and a row here: settings, building, sending and rehearsal go by the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal, Protocol, cast

if TYPE_CHECKING:  # the settings read this table, and need nothing of what builds
    from pydicom import Dataset

    from converter.result.kinds.content import BuiltResult, StudyContent


# What `results: auto` makes of a kind, destination by destination: all but those that have refused each of its classes;
# those that have accepted one; those that have refused every class of the Structured Report; none.
AutoRule = Literal["unless refused", "where accepted", "instead of sr", "never"]


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
    something is built, because it loads what only building needs. auto: when `results: auto` takes it. supersedes:
    whether a later one of a study names the one before as its predecessor. over_image: whether each is a picture of one
    image, which its Source Image Sequence names (PS3.3 C.7.6.1)."""

    name: str
    summary: str
    step: str
    sop_classes: Mapping[str, str]
    module: str
    auto: AutoRule = "never"
    supersedes: bool = False
    over_image: bool = False

    def load(self) -> KindModule:
        return cast(KindModule, import_module(self.module))


# In the order of building: a report refers to the heat maps, key objects to both.
RESULT_KINDS: dict[str, ResultKind] = {
    row.name: row
    for row in (
        ResultKind(
            "heatmap",
            "a Secondary Capture of each image with a positive finding, with its map",
            "build_heatmaps",
            {"1.2.840.10008.5.1.4.1.1.7": "Secondary Capture"},
            "converter.result.kinds.heatmap",
            auto="unless refused",
            over_image=True,
        ),
        ResultKind(
            "gsps",
            "a presentation state of each film with a finding that is present: outlines and verdict, to be switched "
            "on and off",
            "build_presentation_states",
            {"1.2.840.10008.5.1.4.1.1.11.1": "Grayscale Softcopy Presentation State"},
            "converter.result.kinds.presentation_state",
            auto="where accepted",
        ),
        ResultKind(
            "status",
            "a small Secondary Capture for a study of which no image was analysed, with the reasons",
            "build_status_card",
            {"1.2.840.10008.5.1.4.1.1.7": "Secondary Capture"},
            "converter.result.kinds.status",
            auto="unless refused",
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
            auto="unless refused",
            supersedes=True,
        ),
        ResultKind(
            "text_sr",
            "a Basic Text SR with the verdicts in sentences, for archives that take no other report",
            "build_text_report",
            {"1.2.840.10008.5.1.4.1.1.88.11": "Basic Text SR"},
            "converter.result.kinds.text_report",
            auto="instead of sr",
            supersedes=True,
        ),
        ResultKind(
            "kos",
            "a Key Object Selection of a study with a finding that is present: its films, their heat maps, the report; "
            "and a rejection note (IHE IOCM) for earlier results, where the data of the patient were corrected",
            "build_key_objects",
            {"1.2.840.10008.5.1.4.1.1.88.59": "Key Object Selection"},
            "converter.result.kinds.key_objects",
            auto="where accepted",
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


def kind_of_object(sop_class_uid: str, *, names_source_image: bool) -> str | None:
    """The kind of a result by what its object says, None where it is of no class of the table. Kinds that share a class
    are told apart by Source Image Sequence: a heat map has one in every release, a status card is of no image."""
    kinds = [kind for kind in RESULT_KINDS.values() if sop_class_uid in kind.sop_classes]
    fitting = (kind for kind in kinds if len(kinds) == 1 or kind.over_image == names_source_image)
    return next((kind.name for kind in fitting), None)
