"""Other people's programs read presentation states, key objects and reports in sentences, and find no error in them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from highdicom.ko import KeyObjectSelectionDocument
from highdicom.sr import ValueTypeValues
from pydicom import Dataset, dcmread

from converter.result.encode import to_bytes
from converter.result.kinds.content import ReportedImage
from converter.result.source_attributes import Charset
from tests.support.dicom.phantoms import make_dx, write_dx
from tests.support.dicom.sources import SOURCES, STUDY, cr_with_holes, dx_full, lateral
from tests.support.peers.validators import dciodvfy, dcmpschk, dsrdump, pixelmed
from tests.support.results.contents import (
    a_content,
    analysed_film,
    declined_film,
    judged,
    results_of,
    two_findings,
)

FORMS = ("gsps", "text_sr", "kos")
# What a source has wrong about its patient stays wrong.
INHERITED = {"CR undeclared bytes": "PatientName"}


def one_film(make: Callable[[], Dataset]) -> Callable[[], list[ReportedImage]]:
    return lambda: [analysed_film(make())]


STUDIES: dict[str, Callable[[], list[ReportedImage]]] = {
    **{name: one_film(make) for name, make in SOURCES.items()},
    "two findings and a declined film": lambda: [
        analysed_film(dx_full(), *two_findings(dx_full()), notes=("the age is unknown",)),
        declined_film(lateral()),
    ],
    "two films": lambda: [analysed_film(dx_full()), analysed_film(cr_with_holes(), judged(cr_with_holes(), 0.1))],
}


def written(folder: Path, study: str, form: str, charset: Charset = "source") -> Path:
    path = folder / f"{form}.dcm"
    path.write_bytes(to_bytes(results_of(a_content(STUDIES[study](), charset))[form][0].ds))
    return path


def own(study: str, problems: list[str]) -> list[str]:
    return [one for one in problems if study not in INHERITED or INHERITED[study] not in one]


@pytest.mark.peer("dciodvfy")
@pytest.mark.parametrize("charset", ["source", "utf8"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("study", STUDIES)
def test_dciodvfy_finds_no_error(tmp_path: Path, study: str, form: str, charset: Charset) -> None:
    assert own(study, dciodvfy(written(tmp_path, study, form, charset))) == []


@pytest.mark.peer("dsrdump")
@pytest.mark.parametrize("form", ["text_sr", "kos"])
@pytest.mark.parametrize("study", STUDIES)
def test_dsrdump_reads_the_documents(tmp_path: Path, study: str, form: str) -> None:
    assert own(study, dsrdump(written(tmp_path, study, form))) == []


@pytest.mark.peer("DicomSRValidator")
@pytest.mark.parametrize("form", ["text_sr", "kos"])
def test_the_trees_follow_tid_2000_and_tid_2010(tmp_path: Path, form: str) -> None:
    assert pixelmed(written(tmp_path, "two findings and a declined film", form)) == []


@pytest.mark.peer("dcmpschk")
@pytest.mark.parametrize("study", ["DX full, UTF-8", "CR Latin-1", "CR with holes", "two findings and a declined film"])
def test_dcmtk_accepts_the_presentation_states(tmp_path: Path, study: str) -> None:
    assert dcmpschk(written(tmp_path, study, "gsps")) == []


def test_highdicom_reads_what_is_selected(tmp_path: Path) -> None:
    selection = KeyObjectSelectionDocument.from_dataset(dcmread(written(tmp_path, "two films", "kos")))
    images = selection.content.get_references(value_type=ValueTypeValues.IMAGE)
    documents = selection.content.get_references(value_type=ValueTypeValues.COMPOSITE)
    assert images[0].referenced_sop_instance_uid == dx_full().SOPInstanceUID
    assert (len(images), len(documents)) == (2, 1)
    study, series = selection.resolve_reference(images[0].referenced_sop_instance_uid)[:2]
    assert (study, series) == (STUDY, dx_full().SeriesInstanceUID)


LOOKS: dict[str, dict[str, Any]] = {
    "MONOCHROME2": {},
    "MONOCHROME1": {"photometric": "MONOCHROME1", "PresentationLUTShape": "INVERSE"},
    "two windows": {"WindowCenter": [1500, 2000], "WindowWidth": [1200, 3000]},
    "rescaled": {"RescaleSlope": 2, "RescaleIntercept": -500, "WindowCenter": 2500, "WindowWidth": 4000},
    "signed": {"signed": True, "WindowCenter": 0, "WindowWidth": 3000},
}


@pytest.mark.peer("dcmp2pgm")
@pytest.mark.parametrize("look", LOOKS)
def test_a_film_looks_the_same_with_its_presentation_state_and_without(tmp_path: Path, look: str) -> None:
    """As DCMTK renders both; it draws no annotations."""
    film = make_dx(rows=300, columns=240, **LOOKS[look])
    film.StudyInstanceUID = STUDY
    path, state = write_dx(tmp_path / "film.dcm", film), tmp_path / "state.dcm"
    source = dcmread(path, stop_before_pixels=True)
    state.write_bytes(to_bytes(results_of(a_content([analysed_film(source)]))["gsps"][0].ds))
    with_state, alone = tmp_path / "with.pgm", tmp_path / "alone.pgm"
    _ran("dcmp2pgm", "-p", str(state), str(path), str(with_state))
    _ran("dcm2pnm", "+Wi", "1", str(path), str(alone))
    shown, expected = (cv2.imread(str(one), cv2.IMREAD_UNCHANGED) for one in (with_state, alone))
    assert shown is not None and expected is not None and int(np.ptp(expected)) > 100
    np.testing.assert_array_equal(shown, expected)


def _ran(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
