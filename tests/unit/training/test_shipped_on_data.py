"""The newest shipped model on the development radiographs: it is blind to the size of a film, its map lies in place."""

from __future__ import annotations

import numpy as np
import pytest

from converter.image.convert import Converted, convert
from converter.image.model_input import to_model_input
from converter.package.gate import refusal
from converter.package.manifest import Manifest, load_manifest
from scp_node.inference.packages import find_package
from scp_node.settings.places import shipped_models_dir
from tests.support.cohorts.data import require_data
from training.data.cohorts import Example, load_examples
from training.data.images import open_gray
from training.data.splits import select
from training.judging.map_shift import mirror_shift
from training.judging.size_leak import measure_size_leak, moved, probabilities, resize
from training.packaging.scores import reference_arrays

PACKAGE = find_package(shipped_models_dir(), "pneumonia").folder

# A quarter of a cell. With padding only at the end it was 7.2.
MAP_SHIFT_MAX = 4.0

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return load_manifest(PACKAGE / "manifest.yaml")


@pytest.fixture(scope="module")
def graph() -> bytes:
    pytest.importorskip("onnxruntime")
    return (PACKAGE / "model.onnx").read_bytes()


def devtest(cohort: str) -> list[Example]:
    return select(load_examples(require_data() / "cxr"), "devtest", [cohort])


def test_a_film_of_the_size_or_aspect_of_another_is_ranked_the_same(manifest: Manifest, graph: bytes) -> None:
    figures = measure_size_leak(devtest("kermany512"), graph, manifest.input)
    assert figures["area_alone"] > 0.85  # the trap is there
    assert moved(figures) == {}


def test_a_probability_hardly_moves_when_a_film_is_stored_larger_or_wider(manifest: Manifest, graph: bytes) -> None:
    images = [open_gray(example.path) for example in devtest("nih512")[:30]]
    stored = probabilities(images, graph, manifest.input)
    for rows, columns in ((1024, 1024), (700, 1400), (400, 300)):
        changed = probabilities([resize(image, rows, columns) for image in images], graph, manifest.input)
        assert np.abs(changed - stored).mean() < 0.03


def test_map_of_a_mirrored_film_is_the_mirrored_map(manifest: Manifest, graph: bytes) -> None:
    films = [*devtest("kermany512")[::6], *devtest("nih512")[::2]]
    images = [open_gray(example.path) for example in films]
    shift = mirror_shift(graph, np.stack([to_model_input(image, manifest.input) for image in images]), manifest.input)
    assert shift.films >= 3
    assert abs(shift.x) <= MAP_SHIFT_MAX


@pytest.mark.parametrize("cohort", ["kermany224", "kermany512", "nih512", "hannover512"])
def test_no_radiograph_of_a_cohort_is_declined_as_implausible(manifest: Manifest, cohort: str) -> None:
    for example in devtest(cohort)[:40]:
        assert isinstance(convert(example.path, manifest.input, None, 512, 10**8), Converted), example.path


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("cxr/dicom/RG1_J2KI.dcm", None),
        ("cxr/dicom/gdcm-CR-MONO1-10-chest.dcm", None),
        ("cxr/dicom/1.2.276.0.7230010.3.1.4.8323329.6904.1517875201.850819.dcm", None),
        ("cxr/dicom/Fake_MONOHR1.dcm", "gate-inverted"),
        ("dicom/nonchest/RG2_J2KR.dcm", "gate-"),
        ("dicom/nonchest/MG1_J2KI.dcm", "gate-"),
        ("dicom/nonchest/XA1_J2KI.dcm", "gate-"),
        ("dicom/nonchest/CR-ModalitySequenceLUT.dcm", "gate-"),
    ],
)
def test_gate_knows_the_real_files(manifest: Manifest, graph: bytes, file: str, code: str | None) -> None:
    assert manifest.gate is not None
    converted = convert(require_data() / file, manifest.input, None, 512, 10**8)
    assert isinstance(converted, Converted)
    shares = reference_arrays(graph, converted.model_input[np.newaxis])[manifest.gate.output][0]
    refused = refusal(manifest.gate, shares)
    assert (refused is None) if code is None else (refused is not None and refused.code.startswith(code))
