"""`hilum demo` as a user runs it: a process of its own that starts node and archive and shows what came back."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import cv2
import httpx
import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid
from pypdf import PdfReader

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
    (sheet,) = PdfReader(out / "report.pdf").pages
    assert sheet.extract_text().startswith("Pneumonia") and "1 film analysed" in sheet.extract_text()
    assert "Pneumonia: " in done.stdout and "threshold" in done.stdout
    assert "FAIL" not in done.stdout
    assert {one.name for one in folder.iterdir()} == {"hilum-demo", "tmp"}  # nothing else is written
    assert not list((folder / "tmp").iterdir())
    assert {one.name for one in out.iterdir()} == {"archive", "sent", "heatmap.png", "report.html", "report.pdf"}


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


def cut_film(path: Path, bytes_missing: int) -> None:
    """A film of the example's study whose file ends early."""
    ds = example_radiograph()
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    ds.save_as(path, enforce_file_format=True)
    path.write_bytes(path.read_bytes()[:-bytes_missing])


def test_of_a_study_the_node_refuses_one_image_of_the_others_come_back_and_it_says_who_refused(folder: Path) -> None:
    study = folder / "study"
    study.mkdir()
    cut_film(study / "1-cut.dcm", 1000)
    example_radiograph().save_as(study / "2-whole.dcm", enforce_file_format=True)
    done = demo(folder, "--study", str(study))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1-cut.dcm: cannot-understand: the node refused it: it cannot understand the object [status 0xC000]" in (
        done.stdout
    )
    assert "Sent 2 images, 1 taken: the node answered 0x0000 once they were safe on disk" in done.stdout
    assert "FAIL" not in done.stdout and "the archive" not in done.stdout.partition("Sent 2")[0].partition("1-cut")[2]


def test_a_study_of_which_nothing_is_taken_ends_with_what_the_node_said(folder: Path) -> None:
    cut_film(folder / "cut.dcm", 1000)
    done = demo(folder, "--study", str(folder / "cut.dcm"))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Sent 1 image, 0 taken: the node took none of them" in done.stdout
    assert "0x0000" not in done.stdout


@pytest.mark.data
def test_a_folder_of_real_radiographs_gives_the_first_study(folder: Path, radiographs: Path) -> None:
    done = demo(folder, "--study", str(radiographs / "cxr" / "dicom"))
    assert done.returncode in (0, 3), done.stdout + done.stderr
    assert "studies are there; the first is sent" in done.stdout
    assert "FAIL" not in done.stdout


def test_a_path_without_images_is_a_mistake_in_use(folder: Path) -> None:
    small_file(folder)
    done = demo(folder, "--study", str(folder))
    assert done.returncode == 2
    assert "no DICOM image that the node takes" in done.stderr


@pytest.mark.parametrize(
    ("ending", "arguments", "code"),
    [(signal.SIGINT, (), 0), (signal.SIGHUP, (), 0), (signal.SIGTERM, ("--study", "cut.dcm"), 1)],
)
def test_with_keep_the_console_stays_open_until_it_is_ended_whatever_came_of_the_study(
    folder: Path, ending: signal.Signals, arguments: tuple[str, ...], code: int
) -> None:
    cut_film(folder / "cut.dcm", 1000)
    command = [sys.executable, "-m", "scp_node.cli", "demo", "--keep", "--timeout", "300", *arguments]
    environment = {"PYTHONPATH": str(CHECKOUT), "PATH": "/usr/bin:/bin", "COLUMNS": "200", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder, env=environment) as running:
        assert running.stdout is not None
        console, link = (
            next(line.removeprefix(words).strip() for line in running.stdout if line.startswith(words))
            for words in ("Console: ", "The first time: ")
        )
        try:
            assert link.startswith(f"{console}set-up/")
            assert httpx.get(console, trust_env=False, timeout=30, follow_redirects=True).status_code in (200, 403)
            page = httpx.get(link, trust_env=False, timeout=30)
            assert page.status_code == 200 and 'type="password"' in page.text
        finally:
            running.send_signal(ending)
        assert running.wait(60) == code
    with pytest.raises(httpx.ConnectError):
        httpx.get(link, trust_env=False, timeout=30)
    assert [one.name for one in (folder / "hilum-demo").glob("node-*")]
