"""A network that reads the aspect of a film is found out; one that does not, passes. Size alone is measured too."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from tests.support.cohorts import made_cohorts as made
from tests.unit.package.test_manifest import valid_manifest
from training.__main__ import main
from training.judging.size_leak import moved, size_alone, stored_shape

SIDE = 32


def save_package(folder: Path, weights: np.ndarray) -> Path:
    """A package whose one probability is the sigmoid of the weighted sum of the 32 x 32 picture."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    value, constant = onnx.helper.make_tensor_value_info, onnx.numpy_helper.from_array
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Conv", ["image", "weights"], ["cam"]),
            onnx.helper.make_node("ReduceMean", ["cam"], ["mean"], axes=[2, 3], keepdims=0),
            onnx.helper.make_node("Sigmoid", ["mean"], ["probability"]),
        ],
        "weighted",
        [value("image", onnx.TensorProto.FLOAT, ["N", 1, SIDE, SIDE])],
        [
            value("probability", onnx.TensorProto.FLOAT, ["N", 1]),
            value("cam", onnx.TensorProto.FLOAT, ["N", 1, 1, 1]),
        ],
        [constant(weights.reshape(1, 1, SIDE, SIDE).astype(np.float32), "weights")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    folder.mkdir()
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    manifest = valid_manifest()
    manifest["input"] |= {"height": SIDE, "width": SIDE, "normalisation": {"name": "scale", "mean": 0.0, "std": 1.0}}
    manifest["findings"][0]["name"] = "brain-tumour"
    manifest["onnx_sha256"] = hashlib.sha256(model.SerializeToString()).hexdigest()
    (folder / "manifest.yaml").write_text(yaml.safe_dump(manifest))
    return folder


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """A round spot in every picture; the sick ones are wide, brighter in the spot, and larger."""
    for n in range(30):
        rows, columns = (60 + n % 7, 120 + n) if n % 2 else (100 + n % 7, 50 + n)
        film = np.full((rows, columns), 40, np.uint8)
        cv2.circle(film, (columns // 2, rows // 2), min(rows, columns) // 4, 230 if n % 2 else 170, -1)
        path = tmp_path / "films" / ("yes" if n % 2 else "no") / f"{n}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), film)
    patients = [[f"{'yes' if n % 2 else 'no'}/{n}.png", f"p{n}"] for n in range(30)]
    made.table(tmp_path / "films" / "patients.csv", ("file", "patient_id"), patients)
    own = made.OWN.replace(
        "{normal: [], pneumonia: [pneumonia], both: [pneumonia, effusion]}", "{no: [], yes: [brain-tumour]}"
    )
    (tmp_path / "films" / "cohort.yaml").write_text(own)
    return tmp_path / "films"


def test_area_width_and_aspect_alone_are_measured_in_the_better_direction() -> None:
    sick, shapes = np.array([True, True, False, False]), [(10, 30), (10, 31), (20, 20), (21, 20)]
    assert size_alone(sick, shapes) == {"area_alone": 1.0, "width_alone": 1.0, "aspect_alone": 1.0}
    assert size_alone(sick, [(10, 10), (20, 20), (10, 10), (20, 20)])["area_alone"] == 0.5


def test_the_shape_of_a_file_is_read_without_its_pixels(tmp_path: Path) -> None:
    picture = made.picture(tmp_path / "a.png", 1, side=30)
    assert stored_shape(picture) == (30, 30)
    assert stored_shape(made.dicom(tmp_path / "a.dcm", 1)) == (made.SIDE, made.SIDE)


def test_a_cohort_that_gives_its_label_away_by_size_is_told(films: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["size-leak", "image_folder", str(films)])
    assert "brain-tumour: area_alone 0.9" in capsys.readouterr().out


def test_only_a_shift_beyond_the_limit_counts() -> None:
    assert moved({"as_stored": 0.99, "resized": 0.9851, "padded": 0.9949}) == {}
    assert moved({"as_stored": 0.99, "resized": 0.9849, "padded": 0.996}) == {"resized": -0.0051, "padded": 0.006}


def run(films: Path, package: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    from training.data import images

    monkeypatch.setattr(images, "CACHE", package / "cache")
    try:
        main(["size-leak", "image_folder", str(films), "--package", str(package), "--split", "train"])
    except SystemExit as ended:
        assert isinstance(ended.code, int)
        return ended.code
    return 0


def test_a_network_that_reads_the_aspect_is_found_out(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The spot is round: squashed to a square it is tall where the film is wide, and a bar of weights sees that."""
    bars = np.zeros((SIDE, SIDE))
    bars[:10, 15:17], bars[15:17, :10] = 1, -1
    package = save_package(tmp_path / "aspect", bars)
    assert run(films, package, monkeypatch) == 1
    assert "as_stored 1.0000" in capsys.readouterr().out


def test_a_network_that_reads_the_spot_passes(films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spot = np.zeros((SIDE, SIDE))
    spot[15:17, 15:17] = 1
    assert run(films, save_package(tmp_path / "spot", spot), monkeypatch) == 0


def test_films_of_one_class_are_refused_with_a_sentence(films: Path) -> None:
    for file in (films / "yes").iterdir():
        file.rename(films / "no" / file.name)
    made.picture(films / "yes" / "0.png", 1)
    own = (films / "cohort.yaml").read_text()
    (films / "cohort.yaml").write_text(own.replace("yes: [brain-tumour]", "yes: []"))
    made.table(
        films / "patients.csv",
        ("file", "patient_id"),
        [[f"{f.parent.name}/{f.name}", "p"] for f in films.rglob("*.png")],
    )
    with pytest.raises(SystemExit, match=r"31 films: no finding \(none is labelled\) divides them"):
        main(["size-leak", "image_folder", str(films)])
