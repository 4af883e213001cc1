"""A package is judged on what it never saw: the command, on drawn films, end to end."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from converter.package.evidence import CohortSummary
from converter.package.manifest import Manifest, load_manifest
from converter.phantom.chest_sketch import sketch_chest
from scp_node.inference.packages import find_package
from scp_node.settings.places import shipped_models_dir
from tests.support.cohorts import made_cohorts

pytest.importorskip("sklearn", reason="scikit-learn is in the extra [training]")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")
import onnx

from training.__main__ import main
from training.data.recipe_data import load_recipe_data
from training.data.splits import select
from training.judging.further_checks import notes
from training.judging.judged_images import check_division
from training.packaging.canonical import cut
from training.packaging.manifest_file import write_manifest

SHIPPED = find_package(shipped_models_dir(), "pneumonia").folder
COLUMNS = "path,label,sublabel,split_suggested,original_split,patient_id,view,notes,source,licence"


def drawn_cohorts(folder: Path) -> Path:
    """Films of two cohorts the package was trained on, and of one it was not; every second one is positive.

    Patient nih:3 was in training and returns in the third cohort; so does a film, under the name of another patient.
    """
    rows = [COLUMNS]
    for cohort, split, number in (
        ("nih512", "train", 24),
        ("nih512", "devtest", 24),
        ("kermany512", "train", 4),
        ("kermany224", "train", 4),
        ("hannover512", "train", 12),
    ):
        (folder / cohort).mkdir(exist_ok=True)
        for n in range(number):
            positive = n % 2 == 0 or cohort == "hannover512"
            own = cohort == "hannover512" and n != 1
            film = np.clip(sketch_chest(150, 140, seed=n, noise=0.5 if own else 0.01) + 0.1 * positive, 0, 1)
            cv2.imwrite(str(folder / cohort / f"{split}-{n}.png"), (film * 255).astype(np.uint8))
            patient = "nih:train-3" if (cohort, n) == ("hannover512", 0) else f"{cohort[:3]}:{split}-{n}"
            label = "COVID19" if cohort == "hannover512" else "PNEUMONIA" if positive else "NORMAL"
            notes = f"age {20 + n} sex {'MF'[n % 3 == 0]}"
            view = "AP" if n % 4 < 2 else "PA"
            rows.append(f"{cohort}/{split}-{n}.png,{label},,{split},none,{patient},{view},{notes},drawn,none")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    for cohort in ("nih64", "rsna256"):  # nothing of them is in devtest
        (folder / cohort).mkdir(exist_ok=True)
        cv2.imwrite(str(folder / cohort / "0.png"), (sketch_chest(150, 140, seed=len(cohort)) * 255).astype(np.uint8))
        row = f"{cohort}/0.png,NORMAL,,train,none,{cohort}:0,,,drawn,none"
        (folder / cohort / "manifest_rows.csv").write_text(f"{COLUMNS}\n{row}\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def pneumonia(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped package without what knows drawn films for what they are: its input gate and its outline."""
    folder = tmp_path_factory.mktemp("models") / SHIPPED.parent.name / SHIPPED.name
    shutil.copytree(SHIPPED, folder)
    whole = onnx.load(folder / "model.onnx")
    graph = cut(whole, ["probability", "cam"]).SerializeToString(deterministic=True)
    (folder / "model.onnx").write_bytes(graph)
    manifest = load_manifest(folder / "manifest.yaml")
    digest = hashlib.sha256(graph).hexdigest()
    write_manifest(
        folder / "manifest.yaml", manifest.model_copy(update={"gate": None, "lungs": None, "onnx_sha256": digest})
    )
    return folder


def run(*arguments: str | Path) -> None:
    main(["evaluate", *map(str, arguments)])


def test_a_package_is_judged_beside_the_baseline_and_another_package(
    pneumonia: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "pneumonia" / "0.9.0"
    shutil.copytree(pneumonia, other)
    text = (other / "manifest.yaml").read_text(encoding="utf-8")
    (other / "manifest.yaml").write_text(
        text.replace(f"version: {SHIPPED.name}", "version: 0.9.0", 1), encoding="utf-8"
    )
    data = drawn_cohorts(tmp_path)

    run(
        pneumonia,
        *("--data", data, "--json", tmp_path / "r.json", "--html", tmp_path / "r.html", "--compare", other),
        *("--look", data / "nih512"),
    )

    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    groups = {group["name"]: group for group in report["findings"][0]["groups"]}
    assert groups["nih512"]["images"] == 24 and groups["nih512"]["split"] == "devtest"
    assert groups["nih512"]["positives"] == 12 and groups["nih512"]["auc"]["value"] is not None
    assert groups["hannover512"]["images"] == 10  # without the patient and the film that training knew
    assert groups["hannover512"]["split"] == "those that training never saw"
    assert "nih512 AP" in groups and "nih512 sex F" in groups
    source = report["findings"][0]["sources"][0]
    regression, same = source["comparisons"]
    assert "logistic regression" in regression["rival"] and same["rival"] == "pneumonia 0.9.0"
    assert same["difference"]["auc"]["value"] == same["difference"]["sensitivity"]["value"] == 0
    assert source["within_view"]["views"] == {"AP": 12, "PA": 12}
    assert report["images"][0]["file"] == "nih512: nih512/devtest-0.png"
    assert str(tmp_path) not in json.dumps(report["images"])
    assert len(report["looked_at"]) == 48 and report["looked_at"][0]["outcome"] == "analysed"
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "pneumonia 0.9.0" in page and "data:image/jpeg;base64," in page and "devtest-0" not in page
    assert "pneumonia, nih512: 24 images" in capsys.readouterr().out


def test_a_page_without_pictures_may_be_published(
    pneumonia: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = drawn_cohorts(tmp_path)
    run(
        pneumonia,
        *("--data", data, "--html", tmp_path / "r.html", "--no-pictures", "--cohorts", "nih512"),
        *("--split", "devtest", "train"),
    )
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "48 images of 48 patients, devtest + train" in page
    assert "48 images of nih512, part of which it learned from or was tuned on" in page and "never saw" not in page
    assert "data:image" not in page and "hannover512" not in page


def test_films_that_were_learned_from_are_counted_by_pixels_and_by_patients(
    pneumonia: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every film of devtest is drawn with the pixels of one of train."""
    monkeypatch.chdir(tmp_path)
    data = drawn_cohorts(tmp_path)
    told = ("--data", data, "--json", tmp_path / "r.json", "--html", tmp_path / "r.html", "--cohorts", "nih512")
    run(pneumonia, *told)
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert report["learned_from"] == {"known": True, "films": 24, "patients": 0}
    warning = "it learned from, or was tuned on, 24 films of the 24 judged."
    assert f"WARNING: The model was made from what is judged here: {warning}" in capsys.readouterr().out
    assert warning in (tmp_path / "r.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "options, message",
    [
        ([], "--json, --html or both"),
        (["--html", "no-folder/r.html"], "there is no folder no-folder for r.html"),
        (["--html", "r.html", "--run", "."], ". is no training run: it has no split.csv"),
        (["--html", "r.html", "--look", "no-folder"], "there is no folder no-folder to look at"),
        (["--html", "r.html", "--split", "development"], "invalid choice: 'development'"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_read(
    pneumonia: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        run(pneumonia, *options)
    assert message in capsys.readouterr().err


def test_the_place_of_the_map_is_said_in_words() -> None:
    (note,) = notes({"findings": [], "map_shift": {"x": -3.2, "films": 6}})
    assert "the map lies 3.2 pixels of the network's input to the left of its place" in note["text"]


def test_a_split_without_images_is_told(pneumonia: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = drawn_cohorts(tmp_path)
    with pytest.raises(SystemExit, match="no image of nih512 is in val"):
        run(pneumonia, "--data", data, "--html", "r.html", "--cohorts", "nih512", "--split", "val")


def test_a_division_that_is_not_that_of_training_is_refused(
    pneumonia: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A film more moves others between train and devtest: what the package learned from would be judged."""
    monkeypatch.chdir(tmp_path)
    folder = made_cohorts.shenzhen(tmp_path / "shenzhen", patients=15)
    data = [f"shenzhen={folder}"]
    package = load_manifest(pneumonia / "manifest.yaml")

    def learned_from(images: int) -> Manifest:
        return package.model_copy(
            update={
                "cohorts": (CohortSummary(name="shenzhen", images=images, patients=images, licence="-", citation="-"),)
            }
        )

    examples = load_recipe_data(["shenzhen"], data)
    images = len(select(examples, "train", ["shenzhen"]))
    check_division(learned_from(images), examples, data)
    with pytest.raises(SystemExit, match=rf"shenzhen: {images} images .* learned from {images - 1}: .*--run RUN"):
        check_division(learned_from(images - 1), examples, data)


def test_a_graph_that_the_manifest_does_not_name_is_refused(pneumonia: Path, tmp_path: Path) -> None:
    altered = tmp_path / "pneumonia" / SHIPPED.name
    shutil.copytree(pneumonia, altered)
    (altered / "model.onnx").write_bytes(b"another")
    with pytest.raises(SystemExit, match=r"is not the file that manifest\.yaml names"):
        run(altered, "--json", tmp_path / "r.json")
