"""The one-page report as an Encapsulated PDF: made of the Structured Report, whether that is sent too or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydicom import Dataset
from pydicom.uid import Comprehensive3DSRStorage

from converter.result.encapsulated_pdf import build_encapsulated_pdf
from converter.result.film_names import film_names
from converter.result.kinds import heatmap
from converter.result.kinds.content import BuiltResult, StudyContent
from converter.result.kinds.structured_report import study_report
from converter.result.sheet.pdf import sheet_to_pdf
from converter.result.sheet.pictures import film_jpeg, heatmap_jpeg
from converter.result.sheet.reading import read_report
from converter.result.sheet.words import title_of
from converter.result.structured_report import build_structured_report
from converter.words.catalogue import ENGLISH, words_in


def build(content: StudyContent, built: Mapping[str, Sequence[BuiltResult]]) -> list[BuiltResult]:
    """One document. Its bytes depend neither on what else is sent nor on the class that the report is sent in."""
    maps = _maps(content, built.get("heatmap", ()))
    report = study_report(content, maps)
    sr = build_structured_report(report, Comprehensive3DSRStorage, content.options.charset)
    say = words_in(content.options.language)
    sheet = read_report(sr, film_names(report.sources, say))
    pictures = {str(one.ds.SOPInstanceUID): heatmap_jpeg(one.ds) for one in maps}
    mapped = {one.source_instance_uid for one in maps}
    plain = (image for image in content.images if image.findings and image.sop_instance_uid not in mapped)
    pictures |= {image.sop_instance_uid: film_jpeg(content.rendering(image).preview) for image in plain}
    pdf = sheet_to_pdf(sheet, pictures, content.identity.created_at, say)
    title = title_of(sheet, ENGLISH)
    return [BuiltResult(build_encapsulated_pdf(pdf, title, sr, report.sources, content.identity, content.algorithm))]


def told(built: Sequence[BuiltResult], sizes: Sequence[int]) -> str:
    return f"{sum(sizes)} bytes"


def as_class(ds: Dataset, refused_class_uid: str) -> Dataset | None:
    return None


def _maps(content: StudyContent, built: Sequence[BuiltResult]) -> list[BuiltResult]:
    """The heat maps of what is present, with their pixels: those that were built for this report, drawn where they were
    not. What was drawn for an earlier report is there without its pixels."""
    drawn = {str(one.source_instance_uid): one.ds for one in built if "PixelData" in one.ds}
    wanted = replace(
        content,
        options=replace(content.options, heatmap_for="positive"),
        earlier=lambda kind, sop_instance_uid: drawn.get(sop_instance_uid),
    )
    return [one for one in heatmap.build(wanted, {}) if one.source_instance_uid is not None]
