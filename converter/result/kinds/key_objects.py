"""Key objects: a selection of a study with a finding that is present, for worklists and teaching files; and a rejection
note for results whose patient was corrected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydicom import Dataset

from converter.result.findings import StudyReport
from converter.result.key_objects import build_key_objects, build_rejection_note
from converter.result.kinds.content import BuiltResult, StudyContent
from converter.result.kinds.structured_report import study_report
from converter.result.verdict_words import has_positive

# Kinds whose results are selected beside the films; presentation states come with their films by themselves.
SELECTED = ("heatmap", "sr")


def build(content: StudyContent, built: Mapping[str, Sequence[BuiltResult]]) -> list[BuiltResult]:
    """The selection of a study with a positive finding; of the heat maps those over a positive film. The rejection note
    where the data of the patient were corrected."""
    report = study_report(content, built.get("heatmap", ()))
    return [BuiltResult(ds) for ds in _documents(report, content, built)]


def _documents(
    report: StudyReport, content: StudyContent, built: Mapping[str, Sequence[BuiltResult]]
) -> Iterator[Dataset]:
    if has_positive(report.images):
        positive = {image.sop_instance_uid for image in content.images if has_positive([image.analysed])}
        results = [
            one.ds
            for kind in SELECTED
            for one in built.get(kind, ())
            if one.source_instance_uid is None or one.source_instance_uid in positive
        ]
        yield build_key_objects(report, results, content.options.charset)
    if content.rejected:
        yield build_rejection_note(report, content.rejected, content.options.charset)


def told(built: Sequence[BuiltResult], sizes: Sequence[int]) -> str:
    if not built:
        return "nothing is present"
    titles = [str(one.ds.ConceptNameCodeSequence[0].CodeMeaning) for one in built]
    return f"{', '.join(titles)}: {sum(sizes)} bytes"


def as_class(ds: Dataset, refused_class_uid: str) -> Dataset | None:
    return None
