"""What the demonstration leaves to look at: pictures of the heat maps, and the report as a page and as PDF."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import cv2
from pydicom import dcmread

from converter.declined import Declined
from converter.errors import ConverterError
from converter.package.network import InputSpec, Normalisation
from converter.page.markup import data_url
from converter.result.film_names import film_names
from converter.result.sheet.html import sr_to_html
from converter.result.sheet.pdf import sheet_to_pdf
from converter.result.sheet.pictures import SIDE_MAX, film_jpeg, heatmap_jpeg
from converter.result.sheet.reading import made_at, read_report
from scp_node.decode.pool import DecodePool
from scp_node.demo.results import ArrivedResults
from scp_node.demo.study import Study
from scp_node.errors import HilumError
from scp_node.settings import Inference

# No model sees it: the rendering is what counts.
SPEC = InputSpec(height=32, width=32, layout="NCHW", normalisation=Normalisation(name="scale"), jpeg2000_reduced=True)


def write_pages(study: Study, results: ArrivedResults, out: Path) -> list[tuple[str, Path]]:
    """All files of the results with what they are."""
    files = [("Structured Report", results.report.path)]
    pictures: dict[str, bytes] = {}
    for number, heatmap in enumerate(results.heatmaps, 1):
        suffix = f"-{number}" if len(results.heatmaps) > 1 else ""
        picture, ds = out / f"heatmap{suffix}.png", heatmap.read()
        picture.write_bytes(cv2.imencode(".png", ds.pixel_array[..., ::-1])[1].tobytes())
        pictures[heatmap.sop_instance_uid] = heatmap_jpeg(ds)
        files += [("Heat map (DICOM)", heatmap.path), ("Heat map (picture)", picture)]
    sr, names = results.report_ds, film_names(dcmread(path, stop_before_pixels=True) for path in study.files)
    sheet = read_report(sr, names)
    unmapped = {film.uid for film in sheet.films if not any(uid in pictures for uid in film.heatmap_uids)}
    pictures |= dict(_films(study, unmapped)) if unmapped else {}
    page, pdf = out / "report.html", out / "report.pdf"
    urls = {uid: data_url("jpeg", jpeg) for uid, jpeg in pictures.items()}
    page.write_text(sr_to_html(sr, urls, names), encoding="utf-8")
    pdf.write_bytes(sheet_to_pdf(sheet, pictures, made_at(sr)))
    return [*files, ("Report (page)", page), ("Report (PDF)", pdf)]


def _films(study: Study, wanted: set[str]) -> Iterator[tuple[str, bytes]]:
    """Films that have no heat map, rendered as the node renders them: in a confined process."""
    limits = Inference()
    with closing(DecodePool.of(limits, 1)) as decoding:
        for path, uid in zip(study.files, study.sop_instance_uids, strict=True):
            if uid not in wanted:
                continue
            try:
                found = decoding.convert(path, SPEC, None, SIDE_MAX, limits.pixels_max)
            except (ConverterError, HilumError):
                continue
            if not isinstance(found, Declined):
                yield uid, film_jpeg(found.preview)
