"""The computed radiograph: valid, plausible, accepted by the node's own checks, the same on every run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset

from converter.declined import Declined
from converter.image.eligibility import check_header
from converter.image.pixels import render
from converter.image.plausibility import check_pixels
from converter.package.manifest import load_manifest
from converter.phantom.chest import draw_radiograph
from converter.phantom.radiograph import PATIENT_ID, example_radiograph
from scp_node.inference.packages import find_package
from scp_node.settings.places import shipped_models_dir

MANIFEST = find_package(shipped_models_dir(), "pneumonia").folder / "manifest.yaml"


@pytest.fixture(scope="module")
def example() -> Dataset:
    return example_radiograph()


def test_the_node_accepts_it_like_any_radiograph(example: Dataset) -> None:
    verdict = check_header(example, load_manifest(MANIFEST).intended_use)
    assert not isinstance(verdict, Declined)
    assert verdict == ()
    assert check_pixels(render(example)) is None


def test_it_is_a_12_bit_dx_of_nobody(example: Dataset) -> None:
    assert (example.Modality, example.PhotometricInterpretation, example.BitsStored) == ("DX", "MONOCHROME2", 12)
    assert example.Rows >= 1500
    assert example.PatientID == PATIENT_ID
    pixels = example.pixel_array
    assert pixels.max() < 4096
    assert len(np.unique(pixels)) > 2000


def test_it_is_the_same_on_every_run(example: Dataset) -> None:
    np.testing.assert_array_equal(draw_radiograph(), example.pixel_array)


@pytest.mark.peer("dciodvfy")
def test_dciodvfy_finds_nothing(example: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "example.dcm"
    example.save_as(path, enforce_file_format=True)
    done = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "Error" not in done.stderr + done.stdout
    assert "Warning" not in done.stderr + done.stdout
