"""`hilum demo` as a user runs it: a process of its own that starts node and archive and shows what came back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from converter.image.sop_classes import SECONDARY_CAPTURE
from converter.phantom.radiograph import PATIENT_ID, STUDY_INSTANCE_UID, example_radiograph
from scp_node.dimse.uids import COMPREHENSIVE_3D_SR
from scp_node.inference.packages import find_package
from scp_node.settings.places import shipped_models_dir
from tests.support.checkout import CHECKOUT
from tests.support.dicom.objects import small_file

MODEL = find_package(shipped_models_dir(), "pneumonia").folder / "model.onnx"
pytestmark = pytest.mark.timeout(600)


def demo(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scp_node.cli", "demo", "--timeout", "300", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={"PYTHONPATH": str(CHECKOUT), "PATH": "/usr/bin:/bin", "COLUMNS": "200", "TMPDIR": str(cwd / "tmp")},
        timeout=540,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tmp").mkdir()
    return tmp_path


def test_the_example_comes_back_as_report_and_heat_map(folder: Path) -> None:
    done = demo(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    out = folder / "hilum-demo"
    stored = {ds.SOPClassUID: ds for ds in map(dcmread, (out / "archive").rglob("*.dcm"))}
    assert set(stored) == {COMPREHENSIVE_3D_SR, SECONDARY_CAPTURE}
    assert {ds.StudyInstanceUID for ds in stored.values()} == {STUDY_INSTANCE_UID}
    assert {ds.PatientID for ds in stored.values()} == {PATIENT_ID}
    picture = cv2.imread(str(out / "heatmap.png"))
    assert picture is not None and picture.shape[:2] == (
        stored[SECONDARY_CAPTURE].Rows,
        stored[SECONDARY_CAPTURE].Columns,
    )
    assert "Pneumonia" in (out / "report.html").read_text(encoding="utf-8")
    assert "Pneumonia: " in done.stdout and "threshold" in done.stdout
    assert "FAIL" not in done.stdout
    assert {one.name for one in folder.iterdir()} == {"hilum-demo", "tmp"}  # nothing else is written
    assert not list((folder / "tmp").iterdir())
    assert {one.name for one in out.iterdir()} == {"archive", "sent", "heatmap.png", "report.html"}


def test_a_study_of_a_lateral_view_gets_a_report_that_says_so(folder: Path) -> None:
    ds = example_radiograph()
    ds.ViewPosition = "LL"
    del ds.ViewCodeSequence
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID = generate_uid(), generate_uid(), generate_uid()
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    path = folder / "lateral.dcm"
    ds.save_as(path, enforce_file_format=True)
    done = demo(folder, "--study", str(path), "--out", str(folder / "out"))
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Not analysed" in done.stdout
    reports = [dcmread(one) for one in (folder / "out" / "archive").rglob("*.dcm")]
    assert [one.Modality for one in reports] == ["SR"]
    assert reports[0].StudyInstanceUID == ds.StudyInstanceUID


@pytest.mark.data
def test_a_folder_of_real_radiographs_gives_the_first_study(folder: Path, radiographs: Path) -> None:
    done = demo(folder, "--study", str(radiographs / "cxr" / "dicom"), "--keep")
    assert done.returncode in (0, 3), done.stdout + done.stderr
    assert "studies are there; the first is sent" in done.stdout
    assert list((folder / "hilum-demo").glob("node-*/node.log"))  # --keep
    assert "FAIL" not in done.stdout


def test_a_path_without_images_is_a_mistake_in_use(folder: Path) -> None:
    small_file(folder)
    done = demo(folder, "--study", str(folder))
    assert done.returncode == 2
    assert "no DICOM image that the node takes" in done.stderr
