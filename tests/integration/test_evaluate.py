"""`hilum evaluate`, as a site calls it: its own files and label file, a real model, a page and JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from converter.image.convert import shrink
from converter.image.film_digest import DIGEST_SIDE, film_digest
from converter.image.gray_image import GrayImage
from converter.image.image_file import read_image
from converter.package.learned_films import FILE as LEARNED
from converter.package.learned_films import packed, section_of
from converter.phantom.chest_sketch import sketch_chest
from scp_node.analysis import evaluation
from tests.support.checkout import GOLDEN
from tests.support.dicom.phantoms import make_dx, write_dx
from tests.support.models.tiny_model import copy_tiny
from tests.support.node.command import Hilum

FILMS = 24


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Twelve bright and twelve dark pictures of a chest; the model knows the findings bright and dark."""
    folder = tmp_path / "images"
    (folder / "ward").mkdir(parents=True)
    for n in range(FILMS):
        gray = sketch_chest(150, 140, seed=n) * (1.0 if n % 2 else 0.35)
        cv2.imwrite(str(folder / "ward" / f"film-{n}.png"), (gray * 255).astype(np.uint8))
    return folder


def labels_of(folder: Path, *rows: str, header: str = "file,bright,dark,patient_id,view,sex,age") -> Path:
    path = folder.parent / "labels.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def rows() -> list[str]:
    views, sexes = ("PA", "PA", "AP", "AP"), ("F", "M", "M")
    return [
        f"ward/film-{n}.png,{n % 2},{1 - n % 2},MRN-{n // 2},{views[n % 4]},{sexes[n % 3]},{30 + n}"
        for n in range(FILMS)
    ]


def run(hilum: Hilum, folder: Path, labels: Path, *more: str | Path) -> Any:
    common = ("--labels", labels, "--models-dir", GOLDEN, "--model", "tiny", "--threads", "1")
    changed = () if "--changed-films" in more else ("--changed-films", "0")
    return hilum("evaluate", folder, *common, *changed, *more)


def test_figures_of_every_finding_as_page_and_json(hilum: Hilum, site: Path, tmp_path: Path) -> None:
    out = run(hilum, site, labels_of(site, *rows()), "--html", tmp_path / "r.html", "--json", tmp_path / "r.json")
    assert out.code == 0, out.err
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert report["counts"]["labelled"] == report["counts"]["analysed"] == FILMS
    assert [finding["name"] for finding in report["findings"]] == ["bright", "dark"]
    for finding in report["findings"]:
        whole, *parts = finding["groups"]
        assert (whole["name"], whole["images"], whole["patients"], whole["positives"]) == ("this site", 24, 12, 12)
        assert whole["auc"]["value"] == 1  # the drawn brightness is what the model measures
        assert {"this site PA", "this site AP", "this site sex M"} <= {part["name"] for part in parts}
    assert report["images"][3]["file"] == "ward/film-3.png"
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "film-3" not in page and "data:image/jpeg;base64," in page
    assert "MRN-" not in page + json.dumps(report) + out.out + out.err
    assert "this site: 24 images analysed, 12 with it" in out.out


def test_declined_files_are_listed_with_their_code_and_counted_both_ways(
    hilum: Hilum, site: Path, tmp_path: Path
) -> None:
    cv2.imwrite(str(site / "blank.png"), np.full((150, 150), 128, np.uint8))
    labels = labels_of(site, *rows(), "blank.png,1,0,MRN-x,PA,F,50")
    out = run(hilum, site, labels, "--json", tmp_path / "r.json", "--html", tmp_path / "r.html")
    assert out.code == 0
    assert "blank.png: declined, implausible-blank:" in out.err
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert report["counts"]["declined"] == {"implausible-blank": 1}
    whole = report["findings"][0]["groups"][0]
    assert (whole["images"], whole["declined"], whole["declined_as_negative"]["confusion"]["fn"]) == (24, 1, 1)
    (declined,) = [image for image in report["images"] if image["declined"]]
    assert (declined["file"], declined["declined"]["code"]) == ("blank.png", "implausible-blank")
    assert "with declined images as negative" in out.out
    assert "implausible-blank" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_every_wrong_row_is_told_before_anything_is_analysed(hilum: Hilum, site: Path) -> None:
    labels = labels_of(site, "ward/film-0.png,maybe,0,p,PA,M,30", "ward/film-1.png,1,0,p,PA,unknown,old")
    out = run(hilum, site, labels)
    assert out.code == 2
    assert out.err.splitlines() == [
        f"{labels}:2: bright: 'maybe' is neither 1 nor 0",
        f"{labels}:3: sex: 'unknown' is not one of m, male, f, female, o, other",
        f"{labels}:3: age: 'old' is no age in years",
    ]
    assert out.out == ""


def test_files_without_label_and_labels_without_file_are_counted(hilum: Hilum, site: Path, tmp_path: Path) -> None:
    (site / "broken.png").write_bytes((site / "ward" / "film-0.png").read_bytes()[:200])
    labels = labels_of(
        site, *rows()[:20], "ward/gone.png,1,0,p,PA,M,30", "broken.png,1,0,p,PA,M,30", "film-20.png,?,,p,PA,M,30"
    )
    out = run(hilum, site, labels, "--json", tmp_path / "r.json")
    assert out.code == 1
    assert f"{labels}:22: ward/gone.png: no such image" in out.err
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    counts = report["counts"]
    assert (counts["labelled"], counts["unlabelled"], counts["without_image"]) == (20, 3, 1)
    assert (counts["unreadable"], counts["without_answer"]) == (1, 1)
    assert report["unjudged"]["unreadable"][0]["file"] == "broken.png"
    assert report["unjudged"]["unlabelled"] == [{"file": f"ward/film-{n}.png"} for n in (21, 22, 23)]
    assert report["unjudged"]["without_answer"] == [{"file": "ward/film-20.png"}]
    assert "ward/film-20.png" not in {image["file"] for image in report["images"]}


def test_dicom_files_are_named_by_uid_and_their_headers_fill_in_what_the_labels_leave_open(
    hilum: Hilum, tmp_path: Path
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    uids = []
    for n in range(4):
        ds = make_dx(rows=150, columns=140, instance=n + 1, PatientID=f"ID-{n // 2}", ViewPosition="AP", PatientSex="F")
        ds.PatientAge = "064Y"
        uids.append(str(ds.SOPInstanceUID))
        write_dx(folder / f"IM{n}", ds)
    labels = labels_of(folder, *(f"{uid};1" for uid in uids), header="sop_instance_uid;dark")
    out = run(hilum, folder, labels, "--json", tmp_path / "r.json")
    assert out.code == 0, out.err
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    (whole,) = report["findings"][1]["groups"]
    assert (whole["images"], whole["patients"]) == (4, 2)
    assert report["setting"]["patients_known"]
    assert [image["view"] for image in report["images"]] == ["AP"] * 4
    assert "ID-" not in json.dumps(report) + out.out + out.err
    assert report["findings"][0]["groups"] == []  # nobody was asked about the other finding


def test_every_image_declined_is_exit_code_3(hilum: Hilum, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    write_dx(folder / "lateral.dcm", make_dx(ViewPosition="LL"))
    out = run(hilum, folder, labels_of(folder, "lateral.dcm,1", header="file,dark"), "--html", tmp_path / "r.html")
    assert out.code == 3
    assert "lateral.dcm: declined, not-frontal:" in out.err
    assert "No image was analysed." in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_two_packages_are_compared_on_the_same_images(hilum: Hilum, site: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    copy_tiny(models)
    copy_tiny(models, version="2.0.0")
    out = hilum(
        *("evaluate", site, "--labels", labels_of(site, *rows()), "--models-dir", models, "--model", "tiny@1.0.0"),
        *("--compare", "tiny@2.0.0", "--json", tmp_path / "r.json", "--html", tmp_path / "r.html", "--no-pictures"),
    )
    assert out.code == 0, out.err
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    (compared,) = report["findings"][0]["sources"][0]["comparisons"]
    assert compared["rival"] == "tiny 2.0.0" and compared["images"] == FILMS
    assert compared["difference"]["auc"]["value"] == compared["difference"]["sensitivity"]["value"] == 0
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Against other models" in page and "data:image" not in page


def test_a_picture_with_text_burnt_in_is_not_shown(hilum: Hilum, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for n, burnt in enumerate(("YES", "NO")):
        write_dx(folder / f"{burnt}.dcm", make_dx(rows=150, columns=140, instance=n + 1, BurnedInAnnotation=burnt))
    labels = labels_of(folder, "YES.dcm,1", "NO.dcm,1", header="file,dark")
    assert run(hilum, folder, labels, "--html", tmp_path / "r.html").code == 0
    assert (tmp_path / "r.html").read_text(encoding="utf-8").count("data:image/jpeg") == 1


@pytest.mark.parametrize(
    "content, message",
    [
        (b"file,dark\n\xff\xfe,1\n", "labels.csv:1: not UTF-8"),
        (b"file,dark\nelsewhere.png,1\n", "has a row with an answer in"),
        (b"file,dark\nfilm-1.png,?\n", "has a row with an answer in"),
    ],
)
def test_a_label_file_that_leads_nowhere_is_wrong_usage(hilum: Hilum, site: Path, content: bytes, message: str) -> None:
    path = site.parent / "labels.csv"
    path.write_bytes(content)
    out = run(hilum, site, path)
    assert out.code == 2 and message in out.err


def test_a_label_file_has_a_largest_size(hilum: Hilum, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "LABEL_FILE_BYTES_MAX", 20)
    out = run(hilum, site, labels_of(site, *rows()))
    assert out.code == 2 and "larger than 20 bytes" in out.err


@pytest.mark.parametrize("option", ["--html", "--json"])
def test_a_page_that_cannot_be_written_is_told_before_anything_is_analysed(
    hilum: Hilum, site: Path, tmp_path: Path, option: str
) -> None:
    for place in (tmp_path / "no-folder" / "page", tmp_path):
        out = run(hilum, site, labels_of(site, *rows()), option, place)
        assert out.code == 2 and out.out == ""
        assert f"{place}: cannot be written: " in out.err and "analysed" not in out.err


def test_a_file_that_is_another_image_than_its_row_says_is_not_judged(hilum: Hilum, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    first, second = (make_dx(rows=150, columns=140, instance=n) for n in (1, 2))
    write_dx(folder / "a.dcm", first)
    write_dx(folder / "b.dcm", second)
    uids = str(first.SOPInstanceUID), str(second.SOPInstanceUID)
    assert uids[0] != uids[1]
    labels = labels_of(folder, f"a.dcm,{uids[0]},1", f"b.dcm,{uids[0]},0", header="file,sop_instance_uid,dark")
    out = run(hilum, folder, labels)
    assert out.code == 1
    assert f"{labels}:3: b.dcm: the SOP Instance UID of this file is another one" in out.err
    assert "1 image analysed, 1 with it" in out.out


def test_one_name_for_two_files_asks_for_the_path(hilum: Hilum, site: Path) -> None:
    (site / "other").mkdir()
    (site / "other" / "film-0.png").write_bytes((site / "ward" / "film-0.png").read_bytes())
    labels = labels_of(site, "film-0.png,1", "film-1.png,1", "ward/film-1.png,0", header="file,dark")
    out = run(hilum, site, labels)
    assert out.code == 1
    assert f"{labels}:2: film-0.png: 2 images are called so: give the path" in out.err
    assert f"{labels}:4: ward/film-1.png: the same image as in line 3" in out.err


def test_films_that_the_package_was_made_from_are_counted_and_told_before_any_figure(
    hilum: Hilum, site: Path, tmp_path: Path
) -> None:
    known = [digest_of(site / "ward" / f"film-{n}.png") for n in range(5)]
    content = packed(known)
    section = section_of(content).model_dump()
    (copy_tiny(tmp_path / "models", learned_films=section) / LEARNED).write_bytes(content)
    labels, files = labels_of(site, *rows()), ("--html", tmp_path / "r.html", "--json", tmp_path / "r.json")
    out = run(hilum, site, labels, *files, "--models-dir", tmp_path / "models")
    assert out.code == 0, out.err
    warning = f"it learned from, or was tuned on, 5 films of the {FILMS} judged"
    assert out.out.startswith("WARNING: The model was made from what is judged here") and warning in out.out
    assert warning in (tmp_path / "r.html").read_text(encoding="utf-8")
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert report["learned_from"] == {"known": True, "films": 5, "patients": None}


def test_a_package_that_does_not_say_what_it_was_made_from_is_told_apart(hilum: Hilum, site: Path) -> None:
    out = run(hilum, site, labels_of(site, *rows()))
    assert "Whether the model learned from any of these images cannot be told" in out.out


def test_an_altered_list_of_films_is_refused(hilum: Hilum, site: Path, tmp_path: Path) -> None:
    content = packed(range(5))
    folder = copy_tiny(tmp_path / "models", learned_films=section_of(content).model_dump())
    (folder / LEARNED).write_bytes(content[:-8])
    out = run(hilum, site, labels_of(site, *rows()), "--models-dir", tmp_path / "models")
    assert out.code == 1 and "learned.bin: altered" in out.err


def digest_of(path: Path) -> int:
    image = read_image(path)
    assert isinstance(image, GrayImage)
    return film_digest((shrink(image, DIGEST_SIDE)[0] >> 8).astype(np.uint8))


def test_some_films_are_changed_to_see_whether_the_answers_hold(hilum: Hilum, site: Path, tmp_path: Path) -> None:
    """The model measures brightness, which a white border adds and JPEG does not."""
    written = ("--html", tmp_path / "r.html", "--json", tmp_path / "r.json")
    out = run(hilum, site, labels_of(site, *rows()), *written, "--changed-films", "22")
    assert out.code == 0, out.err
    bright, dark = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["robustness"]
    assert (bright["name"], bright["films"], bright["positives"]) == ("this site, Bright", 22, 11)
    assert dark["positives"] == 11
    flips = {change["name"]: change["strengths"][-1]["flipped"]["value"] for change in bright["changes"]}
    assert flips["white border"] > 0.3 and flips["JPEG"] == 0
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Changed films: this site, Bright" in page and "white border 20 % of the film at each side" in page
    assert "22 films of this site, Bright, changed: " in out.out and "changed films: rotation" in out.err


def test_classes_that_come_from_different_devices_are_told(hilum: Hilum, tmp_path: Path) -> None:
    """Nobody states a source: the headers say that each class has a device of its own."""
    folder = tmp_path / "images"
    folder.mkdir()
    lines = []
    for n in range(FILMS):
        ds = make_dx((sketch_chest(150, 140, seed=n) * (1.0 if n % 2 else 0.35) * 4000).astype(np.uint16))
        ds.Manufacturer, ds.InstitutionName = ("Bright Works" if n % 2 else "Dark Works"), "St. Elsewhere"
        write_dx(folder / f"film-{n}.dcm", ds)
        lines.append(f"film-{n}.dcm,{n % 2},MRN-{n}")
    labels = labels_of(folder, *lines, header="file,bright,patient_id")
    out = run(hilum, folder, labels, "--json", tmp_path / "r.json")
    assert out.code == 0, out.err
    cautions = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["cautions"]
    (caution,) = [one["text"] for one in cautions if one["kind"] == "different-sources"]
    assert "With it: St. Elsewhere, Bright Works 100%; without it: St. Elsewhere, Dark Works 100%" in caution
    assert f"WARNING: {caution}" in out.out
