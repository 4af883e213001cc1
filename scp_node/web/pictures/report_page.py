"""The one-page report of a result in the spool, as a page to read or as PDF."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from converter.words.catalogue import words_in
from scp_node.reporting.sheet import SheetFiles, sheet_of
from scp_node.web.pictures.films import rendered, spool_path
from scp_node.web.pictures.workshop import Workshop

Made = tuple[dict[str, Any], list[bytes]]


@dataclass(frozen=True)
class WorkshopFilms:
    """Films as the viewer of the page has them: whoever reads a report has mostly looked at its films."""

    workshop: Workshop

    def header(self, path: Path) -> Dataset:
        return self.workshop.decoding.header(path)

    def rendered(self, path: Path) -> NDArray[np.uint8]:
        return rendered(self.workshop, path).pixels


def report_sheet(workshop: Workshop, arguments: dict[str, Any], blobs: list[bytes]) -> Made:
    """The report in the file `spool_name`, in the form `form`. `heatmaps`, `films`: files by SOP Instance UID;
    `language`: that of the reader."""
    files = SheetFiles(
        spool_path(workshop, arguments["spool_name"]),
        _paths(workshop, arguments["heatmaps"]),
        _paths(workshop, arguments["films"]),
    )
    return {}, [sheet_of(files, arguments["form"], WorkshopFilms(workshop), words_in(arguments["language"]))]


def _paths(workshop: Workshop, names: Mapping[str, str]) -> dict[str, Path]:
    return {uid: spool_path(workshop, name) for uid, name in names.items()}
