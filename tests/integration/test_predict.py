"""`hilum predict` and `hilum models`, as a user calls them, with real decoding children and a real ONNX model."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from converter.phantom.chest_sketch import sketch_chest
from scp_node.inference.packages import package_folders
from scp_node.settings.places import shipped_models_dir
from tests.support.checkout import GOLDEN
from tests.support.dicom.phantoms import make_dx, write_dx
from tests.support.models.tiny_model import TINY, copy_tiny
from tests.support.node.command import Hilum

KEYS = ["file", "sop_instance_uid", "model", "version", "declined", "findings", "notes"]
FINDING_KEYS = ["name", "code", "scheme", "probability", "threshold", "positive", "place"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    return tmp_path / "images"


def write_picture(path: Path, brightness: float = 1.0) -> Path:
    gray = (sketch_chest(256, 220) * brightness * 255).astype(np.uint8)
    assert cv2.imwrite(str(path), gray)
    return path


def test_dicom_png_and_jpeg_are_analysed_in_the_order_given(hilum: Hilum, folder: Path) -> None:
    ds = make_dx()
    files = [
        write_picture(folder / "b.png"),
        write_dx(folder / "c.dcm", ds),
        write_picture(folder / "a.jpg", 0.5),
    ]
    run = hilum.predict("--json", *files)
    assert run.code == 0, run.err
    assert [line["file"] for line in run.lines] == [str(path) for path in files]
    assert [line["sop_instance_uid"] for line in run.lines] == [None, ds.SOPInstanceUID, None]
    for line in run.lines:
        assert list(line) == KEYS
        assert (line["model"], line["version"], line["declined"]) == ("tiny", "1.0.0", None)
        assert [list(finding) for finding in line["findings"]] == [FINDING_KEYS, FINDING_KEYS]
        assert [finding["name"] for finding in line["findings"]] == ["bright", "dark"]
        for finding in line["findings"]:
            assert finding["positive"] is (finding["probability"] >= finding["threshold"])
    bright = [line["findings"][0]["probability"] for line in run.lines]
    assert bright[2] < bright[0], "the darker picture is less bright"
    assert bright[0] == pytest.approx(bright[1], abs=0.05), "the same chest as DICOM and as PNG"


def test_a_folder_is_searched_and_what_is_no_image_is_passed_over(hilum: Hilum, folder: Path) -> None:
    (folder / "deep" / "deeper").mkdir(parents=True)
    write_dx(folder / "deep" / "deeper" / "IM0001", make_dx())
    write_picture(folder / "deep" / "film.png")
    (folder / "list.csv").write_text("a,b")
    (folder / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    run = hilum.predict("--json", folder)
    assert run.code == 0
    assert [Path(line["file"]).name for line in run.lines] == ["IM0001", "film.png"]


def test_an_image_that_the_model_was_not_made_for_is_declined(hilum: Hilum, folder: Path) -> None:
    lateral = make_dx(ViewPosition="LL")
    run = hilum.predict("--json", write_dx(folder / "lateral.dcm", lateral))
    assert run.code == 3, "declined only"
    (line,) = run.lines
    assert list(line) == KEYS
    assert line["declined"]["code"] == "not-frontal" and line["declined"]["reason"]
    assert line["findings"] == [] and line["sop_instance_uid"] == lateral.SOPInstanceUID


def test_what_the_input_gate_refuses_is_declined_with_its_code(hilum: Hilum, folder: Path) -> None:
    files = [write_picture(folder / "film.png", 1.0), write_picture(folder / "dark.png", 0.4)]
    run = hilum("predict", "--models-dir", GOLDEN, "--model", "tiny-gated", "--json", *files)
    assert run.code == 0, run.err
    assert [line["declined"] and line["declined"]["code"] for line in run.lines] == [None, "gate-picture"]
    assert list(run.lines[1]) == KEYS and run.lines[1]["findings"] == []
    assert "looks like a photograph" in run.lines[1]["declined"]["reason"]
    run = hilum("predict", "--models-dir", GOLDEN, "--model", "tiny-gated", "--no-gate", "--json", files[1])
    assert run.code == 0 and run.lines[0]["declined"] is None and len(run.lines[0]["findings"]) == 2


def test_a_blank_picture_is_declined_and_does_not_spoil_the_exit_code(hilum: Hilum, folder: Path) -> None:
    cv2.imwrite(str(folder / "blank.png"), np.full((300, 300), 128, np.uint8))
    write_picture(folder / "film.png")
    run = hilum.predict("--json", folder)
    assert run.code == 0
    assert [line["declined"] and line["declined"]["code"] for line in run.lines] == ["implausible-blank", None]


def test_pixels_that_cannot_be_decoded_are_declined(hilum: Hilum, folder: Path) -> None:
    ds = make_dx()
    ds.PixelData = ds.PixelData[:1000]
    run = hilum.predict("--json", write_dx(folder / "short.dcm", ds))
    assert run.code == 3
    assert run.lines[0]["declined"]["code"] == "undecodable"
    assert run.lines[0]["sop_instance_uid"] == ds.SOPInstanceUID


def test_a_file_that_fails_is_named_and_the_others_are_analysed(hilum: Hilum, folder: Path) -> None:
    (folder / "a.dcm").write_bytes(b"this is no radiograph")
    write_picture(folder / "b.png")
    run = hilum.predict("--json", folder)
    assert run.code == 1
    assert [Path(line["file"]).name for line in run.lines] == ["b.png"]
    assert f"{folder / 'a.dcm'}: unreadable: the file is neither DICOM nor PNG nor JPEG" in run.err
    assert "1 analysed, 0 declined, 1 failed" in run.err


def test_a_file_that_may_not_be_read_is_named(hilum: Hilum, folder: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    write_picture(folder / "a.png").chmod(0)
    run = hilum.predict("--json", folder)
    assert run.code == 1 and "a.png: unreadable" in run.err


def test_many_files_come_out_in_order(hilum: Hilum, folder: Path) -> None:
    for number in range(120):
        write_picture(folder / f"{number:03}.png", 0.4 + number / 200)
    run = hilum.predict("--json", folder)
    assert [Path(line["file"]).stem for line in run.lines] == [f"{number:03}" for number in range(120)]
    bright = [line["findings"][0]["probability"] for line in run.lines]
    assert bright == sorted(bright), "each result belongs to its own file"


def test_the_same_file_gives_the_same_line_again(hilum: Hilum, folder: Path) -> None:
    path = write_picture(folder / "film.png")
    assert hilum.predict("--json", path).out == hilum.predict("--json", path).out


def test_a_person_gets_a_table(hilum: Hilum, folder: Path) -> None:
    write_picture(folder / "film [red].png")
    write_dx(folder / "lateral.dcm", make_dx(ViewPosition="LL"))
    run = hilum.predict(folder)
    assert run.code == 0
    assert "film [red].png" in run.out, "a file name is no markup"
    assert "Bright" in run.out and "%" in run.out and "present" in run.out and "declined: " in run.out
    assert "Research use only" in run.err and "Research use only" not in run.out


def test_heat_maps_are_written_next_to_each_other(hilum: Hilum, folder: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (folder / name).mkdir()
        write_picture(folder / name / "chest film.png")
    write_dx(folder / "lateral.dcm", make_dx(ViewPosition="LL"))
    run = hilum.predict("--json", "--heatmap", tmp_path / "new" / "maps", folder)
    assert run.code == 0
    written = sorted((tmp_path / "new" / "maps").iterdir())
    assert [path.name for path in written] == [
        "chest_film-2.bright.png",
        "chest_film-2.dark.png",
        "chest_film.bright.png",
        "chest_film.dark.png",
    ]
    for path in written:
        picture = cv2.imread(str(path))
        assert picture is not None and min(picture.shape[:2]) > 256


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("predict",), "Missing argument"),
        (("predict", "/no/such/file"), "does not exist"),
        (("predict", "--model", "measles", TINY / "CARD.md"), "no model package 'measles'"),
        (("predict", "--models-dir", GOLDEN, TINY / "CARD.md"), "say which model with --model NAME"),
        (("predict", "--models-dir", GOLDEN, "--model", "tiny", TINY), "no DICOM, PNG or JPEG file in this folder"),
        (("predict", "--colour", TINY / "CARD.md"), "No such option"),
    ],
)
def test_wrong_usage_is_explained(hilum: Hilum, arguments: tuple[str | Path, ...], message: str) -> None:
    run = hilum(*arguments)
    assert run.code == 2
    assert message in run.err
    assert run.out == ""


def test_an_altered_model_predicts_nothing(hilum: Hilum, folder: Path, tmp_path: Path) -> None:
    package = copy_tiny(tmp_path / "models")
    (package / "model.onnx").write_bytes((package / "model.onnx").read_bytes() + b"\0")
    run = hilum("predict", "--models-dir", tmp_path / "models", write_picture(folder / "film.png"))
    assert run.code == 1
    assert "altered" in run.err and run.out == ""


def test_a_reader_that_goes_away_is_no_traceback(folder: Path) -> None:
    write_picture(folder / "film.png")
    for number in range(200):
        shutil.copy(folder / "film.png", folder / f"{number:03}.png")
    command = [sys.executable, "-m", "scp_node.cli", "predict", "--json", "--models-dir", GOLDEN, "--model", "tiny"]
    with subprocess.Popen(
        [*map(str, command), str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
    assert "Traceback" not in err


def test_models_list_names_each_package_and_what_is_wrong(hilum: Hilum, tmp_path: Path) -> None:
    copy_tiny(tmp_path)
    (copy_tiny(tmp_path, version="2.0.0") / "manifest.yaml").write_text("name: tiny")
    run = hilum("models", "list", "--models-dir", tmp_path)
    assert run.code == 0
    intact, pin, broken = run.out.splitlines()[:3]
    assert pin.split()[:1] == ["pin:"] and "tiny@1.0.0#sha256:" in pin
    assert intact.startswith("tiny@1.0.0") and "bright, dark" in intact
    assert broken.startswith("tiny@2.0.0") and "unusable" in broken


def test_models_verify_prints_each_check(hilum: Hilum) -> None:
    run = hilum("models", "verify", "--models-dir", GOLDEN, "tiny@1.0.0")
    assert run.code == 0
    checks = [line.split()[:2] for line in run.out.splitlines()[1:]]
    assert checks == [["manifest", "ok"], ["weights", "ok"], ["graph", "ok"], ["reference", "ok"]]


def test_models_verify_of_everything_goes_on_after_a_failure(hilum: Hilum, tmp_path: Path) -> None:
    (copy_tiny(tmp_path) / "reference.npz").unlink()
    copy_tiny(tmp_path, version="2.0.0")
    run = hilum("models", "verify", "--models-dir", tmp_path)
    assert run.code == 1
    assert "FAILED" in run.out and "reference.npz is missing" in run.out
    assert "tiny@2.0.0" in run.out


def test_models_verify_without_any_package_is_wrong_usage(hilum: Hilum, tmp_path: Path) -> None:
    run = hilum("models", "verify", "--models-dir", tmp_path)
    assert run.code == 2 and "no model package" in run.err


def test_models_show_says_what_a_model_is_for(hilum: Hilum) -> None:
    run = hilum("models", "show", "--models-dir", GOLDEN, "tiny")
    assert run.code == 0
    for words in ("tiny@1.0.0", "For tests of the software only.", "CR/DX", "positive from 0.5", "SHA-256", "CARD.md"):
        assert words in run.out


@pytest.mark.data
def test_the_shipped_model_reads_the_real_radiographs(hilum: Hilum, radiographs: Path) -> None:
    if not package_folders(shipped_models_dir()):
        pytest.skip("no model package in models/ yet")
    run = hilum("predict", "--json", radiographs / "cxr" / "dicom")
    assert run.code == 0, run.err
    assert len(run.lines) == 5
    assert all(line["findings"] for line in run.lines if line["declined"] is None)


AGES: dict[str, tuple[dict[str, Any], str | None, bool]] = {
    "a child": ({}, None, False),
    "a child by its dates": ({"PatientAge": None, "PatientBirthDate": "20200401"}, None, False),
    "a grown-up": ({"PatientAge": "054Y"}, "outside-ages", False),
    "a grown-up by the dates": ({"PatientAge": None, "PatientBirthDate": "19700401"}, "outside-ages", False),
    "a baby": ({"PatientAge": "003M"}, "outside-ages", False),
    "nobody knows": ({"PatientAge": None, "PatientBirthDate": None}, None, True),
    "empty": ({"PatientAge": "", "PatientBirthDate": ""}, None, True),
    "not readable": ({"PatientAge": "old", "PatientBirthDate": "unknown"}, None, True),
}


def test_the_shipped_model_takes_children_and_says_why_it_declines_others(hilum: Hilum, folder: Path) -> None:
    for number, (changes, *_) in enumerate(AGES.values()):
        write_dx(folder / f"{number}.dcm", make_dx(seed=number, **changes))
    write_picture(folder / "picture.png")
    run = hilum("predict", "--model", "pneumonia", "--no-gate", "--json", folder)
    *films, picture = run.lines
    unknown = "the patient's age is unknown; the model is for patients of 1 to 5 years"
    for line, (kind, (_, code, is_noted)) in zip(films, AGES.items(), strict=True):
        declined = line["declined"]
        assert (declined and declined["code"]) == code, kind
        assert (unknown in line["notes"]) is is_noted, kind
        if declined:
            assert "its adults with pneumonia come from one collection" in declined["reason"]
    assert picture["declined"] is None and unknown in picture["notes"]
    table = hilum("predict", "--model", "pneumonia", "--no-gate", folder / "picture.png")
    assert f"note: {unknown}" in table.out
