"""Key objects: one selection of a study with a finding that is present, for worklists and teaching files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydicom import Dataset

from converter.result.key_objects import build_key_objects
from converter.result.kinds.content import BuiltResult, StudyContent
from converter.result.kinds.structured_report import study_report
from converter.result.verdict_words import has_positive

# Kinds whose results are selected beside the films; presentation states come with their films by themselves.
SELECTED = ("heatmap", "sr")


def build(content: StudyContent, built: Mapping[str, Sequence[BuiltResult]]) -> list[BuiltResult]:
    """None for a study without a positive finding. Of the heat maps those over a positive film."""
    report = study_report(content, built.get("heatmap", ()))
    if not has_positive(report.images):
        return []
    positive = {image.sop_instance_uid for image in content.images if has_positive([image.analysed])}
    results = [
        one.ds
        for kind in SELECTED
        for one in built.get(kind, ())
        if one.source_instance_uid is None or one.source_instance_uid in positive
    ]
    return [BuiltResult(build_key_objects(report, results, content.options.charset))]


def told(built: Sequence[BuiltResult], sizes: Sequence[int]) -> str:
    return f"{sum(sizes)} bytes" if built else "nothing is present"


def as_class(ds: Dataset, refused_class_uid: str) -> Dataset | None:
    return None
