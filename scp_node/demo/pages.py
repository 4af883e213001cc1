"""What the demonstration leaves to look at: pictures of the heat maps, and the report as a page and as PDF."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import cv2

from scp_node.decode.pool import DecodePool
from scp_node.demo.results import ArrivedResults
from scp_node.demo.study import Study
from scp_node.reporting.sheet import RenderedFilms, SheetFiles, sheet_of
from scp_node.settings import Inference


def write_pages(study: Study, results: ArrivedResults, out: Path) -> list[tuple[str, Path]]:
    """All files of the results with what they are."""
    files = [("Structured Report", results.report.path)]
    for number, heatmap in enumerate(results.heatmaps, 1):
        suffix = f"-{number}" if len(results.heatmaps) > 1 else ""
        picture, ds = out / f"heatmap{suffix}.png", heatmap.read()
        picture.write_bytes(cv2.imencode(".png", ds.pixel_array[..., ::-1])[1].tobytes())
        files += [("Heat map (DICOM)", heatmap.path), ("Heat map (picture)", picture)]
    heatmaps = {one.sop_instance_uid: one.path for one in results.heatmaps}
    sheet = SheetFiles(results.report.path, heatmaps, dict(zip(study.sop_instance_uids, study.files, strict=True)))
    page, pdf, limits = out / "report.html", out / "report.pdf", Inference()
    with closing(DecodePool.of(limits, 1)) as decoding:
        films = RenderedFilms(decoding, limits.pixels_max)
        page.write_bytes(sheet_of(sheet, "html", films))
        pdf.write_bytes(sheet_of(sheet, "pdf", films))
    return [*files, ("Report (page)", page), ("Report (PDF)", pdf)]
