"""The Structured Report: one document over all images of a study, with its heat maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydicom import Dataset
from pydicom.uid import Comprehensive3DSRStorage, ComprehensiveSRStorage

from converter.result.findings import DeclinedImage, StudyReport
from converter.result.kinds.content import BuiltResult, StudyContent
from converter.result.structured_report import as_comprehensive, build_structured_report

CLASSES = {"comprehensive_3d": Comprehensive3DSRStorage, "comprehensive": ComprehensiveSRStorage}


def build(content: StudyContent, built: Mapping[str, Sequence[BuiltResult]]) -> list[BuiltResult]:
    """One report in the class that was asked for, or as Comprehensive SR where that is known to be refused."""
    wanted = CLASSES[content.options.sr_class]
    if wanted in content.options.refused_classes:
        wanted = ComprehensiveSRStorage
    report = study_report(content, built.get("heatmap", ()))
    return [BuiltResult(build_structured_report(report, wanted, content.options.charset))]


def told(built: Sequence[BuiltResult], sizes: Sequence[int]) -> str:
    return f"{sum(sizes)} bytes"


def as_class(ds: Dataset, refused_class_uid: str) -> Dataset | None:
    return as_comprehensive(ds) if refused_class_uid == Comprehensive3DSRStorage else None


def study_report(content: StudyContent, heatmaps: Sequence[BuiltResult]) -> StudyReport:
    """What the document says: the analysed images first, then the declined ones."""
    return StudyReport(
        identity=content.identity,
        algorithm=content.algorithm,
        images=tuple(image.analysed for image in content.images if image.findings),
        declined=tuple(
            DeclinedImage(image.source, image.declined) for image in content.images if image.declined is not None
        ),
        heatmaps={one.source_instance_uid: one.ds for one in heatmaps if one.source_instance_uid is not None},
        predecessors=tuple(one for one in content.predecessors if one[0] in CLASSES.values()),
        left_out=content.left_out,
        gone=content.gone,
        prior=content.prior.words if content.prior is not None else "",
    )
