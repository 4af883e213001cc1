"""The Basic Text SR: the verdicts of a study in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydicom import Dataset
from pydicom.uid import BasicTextSRStorage

from converter.result.kinds.content import BuiltResult, StudyContent
from converter.result.kinds.structured_report import study_report
from converter.result.text_report import build_text_report


def build(content: StudyContent, built: Mapping[str, Sequence[BuiltResult]]) -> list[BuiltResult]:
    """One document, which supersedes the one in its own class."""
    report = study_report(content, ())
    earlier = tuple(one for one in content.predecessors if one[0] == BasicTextSRStorage)
    return [BuiltResult(build_text_report(replace(report, predecessors=earlier), content.options.charset))]


def told(built: Sequence[BuiltResult], sizes: Sequence[int]) -> str:
    return f"{sum(sizes)} bytes"


def as_class(ds: Dataset, refused_class_uid: str) -> Dataset | None:
    return None
