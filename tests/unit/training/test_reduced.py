"""Whether JPEG 2000 may be decoded at a reduced size is measured on the same films both ways, and written down."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from converter.package.manifest import load_manifest
from converter.phantom.chest_sketch import sketch_chest
from scp_node.inference.packages import find_package
from scp_node.settings.places import shipped_models_dir

pytest.importorskip("onnxruntime")
from training.judging.reduced import convert_both, prove_reduced

PNEUMONIA = find_package(shipped_models_dir(), "pneumonia").folder
COLUMNS = "path,label,sublabel,split_suggested,original_split,patient_id,view,notes,source,licence"


def drawn_cohort(folder: Path) -> Path:
    """Films large enough to be reduced, one that is too small, and one that is not of devtest."""
    rows = [COLUMNS]
    films = [(f"film{n}.png", 1200, "devtest") for n in range(6)] + [("small.png", 400, "devtest")]
    for number, (name, side, split) in enumerate([*films, ("seen.png", 720, "train")]):
        path = folder / "nih512" / name
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), np.rint(sketch_chest(side, side, seed=number) * 255).astype(np.uint8))
        label = "NORMAL" if number % 2 else "PNEUMONIA"
        rows.append(f"nih512/{name},{label},,{split},none,p{number},PA,,drawn,none")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def test_evidence_is_measured_both_ways_and_written_into_the_manifest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "pneumonia" / "1.2.0"
    shutil.copytree(PNEUMONIA, package)
    manifest = load_manifest(package / "manifest.yaml")

    prove_reduced(package, manifest, (package / "model.onnx").read_bytes(), drawn_cohort(tmp_path))

    evidence = load_manifest(package / "manifest.yaml").jpeg2000_evidence
    assert evidence is not None and evidence.onnx_sha256 == manifest.onnx_sha256
    (measured,) = evidence.cohorts
    assert (measured.cohort, measured.split, measured.images) == ("nih512", "devtest", 6)
    assert 0 < measured.largest_change < 1
    assert "fewer than 100" in capsys.readouterr().out


def test_a_film_that_would_not_be_reduced_says_nothing(tmp_path: Path) -> None:
    data = drawn_cohort(tmp_path)
    full = load_manifest(PNEUMONIA / "manifest.yaml").input
    reduced = full.model_copy(update={"jpeg2000_reduced": True})

    both = convert_both(data / "nih512" / "film0.png", full, reduced)

    assert both is not None and not np.array_equal(*both)
    assert convert_both(data / "nih512" / "small.png", full, reduced) is None
