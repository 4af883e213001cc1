"""A model package is found by name, refused when anything about it is wrong, and proven by replaying its reference."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from scp_node.errors import HilumError, ModelMissing, ModelUnusable
from scp_node.inference import packages as library
from scp_node.inference.packages import (
    FP16_TOLERANCE,
    find_package,
    list_packages,
    open_package,
    package_folders,
    verify_package,
)
from scp_node.inference.session import InferenceSession
from scp_node.settings.places import shipped_models_dir
from tests.support.checkout import GOLDEN, MODELS
from tests.support.models.tiny_model import (
    TINY,
    TINY_GATED,
    TINY_LUNGS,
    TINY_NHWC,
    copy_tiny,
    graph_bytes,
    tiny_with,
    write_manifest,
)
from tests.unit.package.test_manifest import precision


def verify(folder: Path) -> None:
    package = open_package(folder)
    verify_package(package, InferenceSession(package))


def arrays_of(folder: Path) -> dict[str, Any]:
    with np.load(folder / "reference.npz", allow_pickle=False) as arrays:
        return dict(arrays)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return copy_tiny(tmp_path)


@pytest.mark.parametrize("folder", [TINY, TINY_NHWC, TINY_GATED], ids=lambda folder: folder.parent.name)
def test_an_intact_package_is_proven(folder: Path) -> None:
    verify(folder)


def test_the_golden_graphs_are_what_their_generator_makes() -> None:
    pytest.importorskip("onnx", reason="the package onnx is not installed (extra [training])")
    assert (TINY / "model.onnx").read_bytes() == graph_bytes("NCHW")
    assert (TINY_NHWC / "model.onnx").read_bytes() == graph_bytes("NHWC")
    assert (TINY_GATED / "model.onnx").read_bytes() == graph_bytes("NCHW", gated=True)
    assert (TINY_LUNGS / "model.onnx").read_bytes() == graph_bytes("NCHW", outlined=True)


@pytest.mark.parametrize("change", ["missing", "other"])
def test_the_reference_proves_the_gate_too(tmp_path: Path, change: str) -> None:
    folder = copy_tiny(tmp_path, TINY_GATED)
    arrays = arrays_of(folder)
    gate = arrays.pop("gate")
    if change == "other":
        arrays["gate"] = gate[::-1]
    np.savez(folder / "reference.npz", **arrays)
    with pytest.raises(ModelUnusable, match="what the gate says" if change == "missing" else "differ by"):
        verify(folder)


@pytest.mark.parametrize("change", ["missing", "other", "coarser"])
def test_the_reference_proves_the_lungs_too(tmp_path: Path, change: str) -> None:
    folder = copy_tiny(tmp_path, TINY_LUNGS)
    verify(folder)
    arrays = arrays_of(folder)
    lungs = arrays.pop("lungs")
    if change != "missing":
        arrays["lungs"] = lungs[::-1] if change == "other" else lungs[..., ::2, ::2]
    np.savez(folder / "reference.npz", **arrays)
    with pytest.raises(ModelUnusable, match="differ by" if change == "other" else "lacks the outlines of lungs"):
        verify(folder)


def test_a_network_that_has_no_answer_to_its_reference_is_unusable_like_any_other(tmp_path: Path) -> None:
    nothing = np.full(2, np.nan, np.float32)
    with pytest.raises(ModelUnusable, match=r"tiny@1\.0\.0: its reference inputs cannot be scored: .*NaN"):
        verify(tiny_with(tmp_path, nothing, nothing))


def test_reference_inputs_of_another_size_make_a_package_unusable(tiny: Path) -> None:
    arrays = arrays_of(tiny)
    np.savez(tiny / "reference.npz", **arrays | {"inputs": arrays["inputs"][..., :32]})
    with pytest.raises(ModelUnusable, match="cannot be scored"):
        verify(tiny)


def test_a_name_alone_means_the_highest_version(tmp_path: Path) -> None:
    for version in ("1.9.0", "1.10.0", "1.2.30"):
        copy_tiny(tmp_path, version=version)
    assert find_package(tmp_path, "tiny").manifest.version == "1.10.0"
    assert find_package(tmp_path, "tiny@1.9.0").manifest.version == "1.9.0"
    assert [package.label for package in list_packages(tmp_path)] == ["tiny@1.2.30", "tiny@1.9.0", "tiny@1.10.0"]


def test_a_broken_highest_version_is_not_replaced_by_an_older_one(tmp_path: Path) -> None:
    copy_tiny(tmp_path)
    (copy_tiny(tmp_path, version="2.0.0") / "manifest.yaml").write_text("name: tiny")
    with pytest.raises(ModelUnusable, match=r"2\.0\.0"):
        find_package(tmp_path, "tiny")


@pytest.mark.parametrize(
    "model", ["measles", "tiny@9.9.9", "tiny@1.0", "../tiny", "tiny@1.0.0/..", "", "Tiny", "tiny@"]
)
def test_a_model_that_does_not_exist_is_named_with_what_there_is(model: str) -> None:
    with pytest.raises(ModelMissing) as raised:
        find_package(GOLDEN, model)
    assert f"'{model}'" in str(raised.value)
    assert raised.value.exit_code == 2


def test_a_models_folder_that_does_not_exist_holds_nothing(tmp_path: Path) -> None:
    assert package_folders(tmp_path / "gone") == []


def test_what_is_no_version_is_no_package(tmp_path: Path, tiny: Path) -> None:
    (tiny.parent / "draft").mkdir()
    (tmp_path / "README.md").touch()
    assert package_folders(tmp_path) == [tiny]


def alter_weights(folder: Path) -> None:
    weights = bytearray((folder / "model.onnx").read_bytes())
    weights[-20] ^= 1
    (folder / "model.onnx").write_bytes(weights)


def alter_reference(folder: Path) -> None:
    arrays = arrays_of(folder)
    arrays["probability"][0, 0] += 0.002
    np.savez(folder / "reference.npz", **arrays)


def pickle_reference(folder: Path) -> None:
    np.savez(folder / "reference.npz", **arrays_of(folder) | {"inputs": np.array([object()])}, allow_pickle=True)


def drop_an_array(folder: Path) -> None:
    arrays = arrays_of(folder)
    del arrays["cam"]
    np.savez(folder / "reference.npz", **arrays)


def wrong_shape(folder: Path) -> None:
    arrays = arrays_of(folder)
    np.savez(folder / "reference.npz", **arrays | {"cam": arrays["cam"][:, :1]})


def empty_reference(folder: Path) -> None:
    np.savez(folder / "reference.npz", **{name: array[:0] for name, array in arrays_of(folder).items()})


def nan_reference(folder: Path) -> None:
    arrays = arrays_of(folder)
    arrays["probability"][:] = np.nan
    np.savez(folder / "reference.npz", **arrays)


def link_weights(folder: Path) -> None:
    elsewhere = folder.parent / "elsewhere.onnx"
    (folder / "model.onnx").rename(elsewhere)
    (folder / "model.onnx").symlink_to(elsewhere)


def link_manifest(folder: Path) -> None:
    (folder / "manifest.yaml").rename(folder / "real.yaml")
    (folder / "manifest.yaml").symlink_to("real.yaml")


def remove_reference(folder: Path) -> None:
    (folder / "reference.npz").unlink()


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (alter_weights, "altered"),
        (alter_reference, "differ by 0.002"),
        (pickle_reference, "holds object, not numbers"),
        (drop_an_array, "needs the arrays"),
        (wrong_shape, "holds outputs of shape"),
        (empty_reference, "holds 0 inputs"),
        (nan_reference, "NaN"),
        (link_weights, "symbolic link"),
        (link_manifest, "symbolic link"),
        (remove_reference, "is missing"),
    ],
)
def test_an_altered_package_is_refused(tiny: Path, alter: Callable[[Path], None], message: str) -> None:
    alter(tiny)
    with pytest.raises(ModelUnusable, match=message):
        verify(tiny)


def test_a_package_of_halves_may_round_and_may_not_differ(tmp_path: Path) -> None:
    evidence = precision(finding="bright") | {"kind": "fp16"}
    folder = copy_tiny(tmp_path, precision=evidence)
    for apart, proven in ((FP16_TOLERANCE * 0.9, True), (FP16_TOLERANCE * 1.1, False)):
        arrays = arrays_of(TINY)
        np.savez(folder / "reference.npz", **arrays | {"cam": arrays["cam"] + np.float32(apart)})
        if proven:
            verify(folder)
        else:
            with pytest.raises(ModelUnusable, match=r"at most 0\.05"):
                verify(folder)


def test_a_package_that_reduces_jpeg_2000_without_evidence_is_refused(tmp_path: Path) -> None:
    spec = open_package(TINY).manifest.input.model_dump(mode="json")
    folder = copy_tiny(tmp_path, input=spec | {"jpeg2000_reduced": True})
    with pytest.raises(ModelUnusable, match=r"input.jpeg2000_reduced is set, but there is no jpeg2000_evidence"):
        open_package(folder)


def test_a_linked_package_folder_is_refused(tmp_path: Path, tiny: Path) -> None:
    tiny.rename(tmp_path / "elsewhere")
    tiny.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelUnusable, match="symbolic link"):
        find_package(tmp_path, "tiny")


def test_a_package_in_the_folder_of_another_is_refused(tmp_path: Path, tiny: Path) -> None:
    tiny.rename(tiny.with_name("3.0.0"))
    with pytest.raises(ModelUnusable, match=r"that of tiny@1\.0\.0"):
        find_package(tmp_path, "tiny")


def test_a_manifest_with_an_unknown_field_is_refused(tiny: Path) -> None:
    manifest = yaml.safe_load((tiny / "manifest.yaml").read_text())
    write_manifest(tiny, manifest | {"colour": "blue"})
    with pytest.raises(ModelUnusable, match="colour"):
        open_package(tiny)


def test_a_reference_that_unpacks_to_too_much_is_not_unpacked(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "REFERENCE_BYTES_MAX", 200_000)
    with zipfile.ZipFile(tiny / "reference.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inputs.npy", bytes(1 << 20))
    with pytest.raises(ModelUnusable, match="unpacks to more"):
        verify(tiny)


def test_a_file_that_is_too_large_is_not_read(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "ONNX_BYTES_MAX", 100)
    with pytest.raises(ModelUnusable, match="larger than 100 bytes"):
        open_package(tiny).read_weights()


def test_a_session_of_another_package_proves_nothing(tmp_path: Path, tiny: Path) -> None:
    other = open_package(copy_tiny(tmp_path, version="2.0.0"))
    with pytest.raises(ModelUnusable, match=r"runs tiny@2\.0\.0"):
        verify_package(open_package(tiny), InferenceSession(other))


def test_the_map_must_be_what_the_decision_was_made_of(tiny: Path) -> None:
    class Disconnected(InferenceSession):
        def run(self, batch: Any) -> Any:
            scores = super().run(batch)
            scores.cam[:] += 1
            return scores

    arrays = arrays_of(tiny)
    np.savez(tiny / "reference.npz", **arrays | {"cam": arrays["cam"] + 1})
    package = open_package(tiny)
    with pytest.raises(ModelUnusable, match="reference outputs differ"):
        verify_package(package, Disconnected(package))


def test_the_shipped_models_are_those_of_the_checkout() -> None:
    assert shipped_models_dir() == MODELS


def test_every_shipped_package_is_proven() -> None:
    folders = package_folders(shipped_models_dir())
    if not folders:
        pytest.skip("no model package in models/ yet")
    for folder in folders:
        try:
            verify(folder)
        except HilumError as error:
            pytest.fail(f"{folder}: {error}")
