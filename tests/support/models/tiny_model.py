"""Makes the small model packages that tests serve: real ONNX graphs of a few hundred bytes.

`python -m tests.support.models.tiny_model` writes tests/golden/models/ anew (needs the package onnx).
The network averages 8 x 8 blocks; finding "bright" follows the brightness, finding "dark" is its contrary. The gate of
tiny-gated takes a picture for a picture when it is dark, and for noise when it is darker still. That of tiny-lungs
outlines what is as gray as a lung, and neither as bright as the body nor as dark as the air beside it.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml

from converter.package.manifest import Manifest
from tests.support.checkout import GOLDEN

TINY = GOLDEN / "tiny" / "1.0.0"
TINY_NHWC = GOLDEN / "tiny-nhwc" / "1.0.0"
TINY_GATED = GOLDEN / "tiny-gated" / "1.0.0"
TINY_LUNGS = GOLDEN / "tiny-lungs" / "1.0.0"
SIDE, BLOCK, LUNG_BLOCK = 64, 8, 2
# What is within LUNG_REACH of LUNG_GRAY, in normalised gray, is lung.
LUNG_GRAY, LUNG_REACH, LUNG_STEEPNESS = -0.8, 0.45, 30.0
LUNGS: dict[str, Any] = {
    "edge_max": 0.25,
    "fit": {"films": 20, "mean": 0.95, "median": 0.96, "fifth_percentile": 0.9, "least": 0.85},
    "sources": [{"name": "drawn lungs", "films": 80, "licence": "made for tests"}],
    "limits": ["It tells lungs by their gray alone."],
}
GATE_WEIGHTS, GATE_BIASES = np.array([[2.0, -2.0, -6.0]], np.float32), np.array([1.0, -1.0, -7.0], np.float32)
GATE: dict[str, Any] = {
    "kinds": [
        {"name": "frontal-chest"},
        {"name": "picture", "code": "gate-picture", "reason": "the picture looks like a photograph"},
        {"name": "noise", "code": "gate-noise", "reason": "the picture looks like noise"},
    ],
    "threshold": 0.5,
    "threshold_rule": "halfway, by choice",
}
WEIGHTS, BIASES = np.array([1.5, -1.5], np.float32), np.array([0.25, -0.25], np.float32)


def tiny_outputs(
    gray: np.ndarray, weights: np.ndarray = WEIGHTS, biases: np.ndarray = BIASES
) -> tuple[np.ndarray, np.ndarray]:
    """probability [N, 2] and cam [N, 2, 8, 8] of normalised gray [N, 64, 64], without ONNX."""
    cells = SIDE // BLOCK
    blocks = gray.reshape(-1, cells, BLOCK, cells, BLOCK).mean(axis=(2, 4))
    cam = blocks[:, None] * weights[:, None, None] + biases[:, None, None]
    return 1 / (1 + np.exp(-cam.mean(axis=(2, 3)))), cam


def tiny_gate(gray: np.ndarray) -> np.ndarray:
    """gate [N, 3] of normalised gray [N, 64, 64], without ONNX."""
    powers = np.exp(gray.mean(axis=(1, 2))[:, None] @ GATE_WEIGHTS + GATE_BIASES)
    shares: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return shares


def tiny_lungs(gray: np.ndarray) -> np.ndarray:
    """lungs [N, 1, 32, 32] of normalised gray [N, 64, 64], without ONNX."""
    cells = SIDE // LUNG_BLOCK
    blocks = gray.reshape(-1, cells, LUNG_BLOCK, cells, LUNG_BLOCK).mean(axis=(2, 4))
    logits = LUNG_STEEPNESS * (LUNG_REACH**2 - (blocks - LUNG_GRAY) ** 2)
    shares: np.ndarray = 1 / (1 + np.exp(np.minimum(-logits, 80)))
    return shares[:, None]


def copy_tiny(models_dir: Path, source: Path = TINY, **changes: Any) -> Path:
    """A copy of a tiny package under `models_dir`; `changes` replace top-level fields of its manifest."""
    manifest = yaml.safe_load((source / "manifest.yaml").read_text(encoding="utf-8")) | changes
    folder = Path(models_dir, manifest["name"], manifest["version"])
    shutil.copytree(source, folder)
    write_manifest(folder, manifest)
    return folder


def random_tiny(models_dir: Path, seed: int, **changes: Any) -> Path:
    """A package of the tiny network with random weights, its hash and reference outputs its own; `changes` as above."""
    rng = np.random.default_rng(seed)
    weights, biases = (rng.normal(0, scale, 2).astype(np.float32) for scale in (2.0, 0.5))
    return tiny_with(models_dir, weights, biases, **changes)


def tiny_with(models_dir: Path, weights: np.ndarray, biases: np.ndarray, **changes: Any) -> Path:
    """A package of the tiny network with these weights; where they are NaN, it answers NaN to everything."""
    graph = (TINY / "model.onnx").read_bytes()
    for old, new in ((WEIGHTS, weights), (BIASES, biases)):
        assert graph.count(old.tobytes()) == 1
        graph = graph.replace(old.tobytes(), new.tobytes())
    folder = copy_tiny(models_dir, onnx_sha256=hashlib.sha256(graph).hexdigest(), **changes)
    (folder / "model.onnx").write_bytes(graph)
    with np.load(TINY / "reference.npz") as reference:
        inputs = reference["inputs"]
    known = tiny_outputs(inputs[:, 0], np.nan_to_num(weights), np.nan_to_num(biases))
    probability, cam = (array.astype(np.float32) for array in known)
    np.savez_compressed(folder / "reference.npz", inputs=inputs, probability=probability, cam=cam)
    return folder


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    text = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True)
    (folder / "manifest.yaml").write_text(text, encoding="utf-8")


def graph_bytes(layout: Literal["NCHW", "NHWC"], gated: bool = False, outlined: bool = False) -> bytes:
    from onnx import TensorProto, checker, helper, numpy_helper

    cells = SIDE // BLOCK
    first = layout == "NCHW"
    nodes = [
        helper.make_node("AveragePool", ["gray"], ["blocks"], kernel_shape=[BLOCK, BLOCK], strides=[BLOCK, BLOCK]),
        helper.make_node("Conv", ["blocks", "weights", "biases"], ["map"], kernel_shape=[1, 1]),
        helper.make_node("GlobalAveragePool", ["map"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["probability"]),
    ]
    to_first = ("Identity", {}) if first else ("Transpose", {"perm": [0, 3, 1, 2]})
    to_last = ("Identity", {}) if first else ("Transpose", {"perm": [0, 2, 3, 1]})
    nodes.insert(0, helper.make_node(to_first[0], ["image"], ["gray"], **to_first[1]))
    nodes.append(helper.make_node(to_last[0], ["map"], ["cam"], **to_last[1]))
    outputs = {"probability": ["N", 2], "cam": ["N", 2, cells, cells] if first else ["N", cells, cells, 2]}
    constants = {"weights": WEIGHTS.reshape(2, 1, 1, 1), "biases": BIASES}
    if gated:
        outputs["gate"] = ["N", 3]
        constants |= {"gate_weights": GATE_WEIGHTS, "gate_biases": GATE_BIASES}
        nodes += [
            helper.make_node("GlobalAveragePool", ["gray"], ["brightness"]),
            helper.make_node("Flatten", ["brightness"], ["bright"]),
            helper.make_node("Gemm", ["bright", "gate_weights", "gate_biases"], ["kinds"]),
            helper.make_node("Softmax", ["kinds"], ["gate"], axis=1),
        ]
    if outlined:
        outputs["lungs"] = ["N", 1, SIDE // LUNG_BLOCK, SIDE // LUNG_BLOCK]
        numbers = {"lung_gray": LUNG_GRAY, "lung_reach": LUNG_REACH**2, "lung_steepness": LUNG_STEEPNESS}
        constants |= {name: np.array(value, np.float32) for name, value in numbers.items()}
        pool = {"kernel_shape": [LUNG_BLOCK, LUNG_BLOCK], "strides": [LUNG_BLOCK, LUNG_BLOCK]}
        nodes += [
            helper.make_node("AveragePool", ["gray"], ["lung_blocks"], **pool),
            helper.make_node("Sub", ["lung_blocks", "lung_gray"], ["away"]),
            helper.make_node("Mul", ["away", "away"], ["away_squared"]),
            helper.make_node("Sub", ["lung_reach", "away_squared"], ["within"]),
            helper.make_node("Mul", ["within", "lung_steepness"], ["lung_logit"]),
            helper.make_node("Sigmoid", ["lung_logit"], ["lungs"]),
        ]
    image = ["N", 1, SIDE, SIDE] if first else ["N", SIDE, SIDE, 1]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, image)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="tests")
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def manifest_of(name: str, layout: str, weights: bytes) -> dict[str, Any]:
    finding = {
        "operating_threshold": 0.5,
        "threshold_rule": "halfway, by choice",
        "calibration": {"method": "none", "fitted_on": "nothing"},
    }
    return {
        "name": name,
        "version": "1.0.0",
        "title": "Tiny brightness model",
        "manufacturer": "Hilum tests",
        "onnx_sha256": hashlib.sha256(weights).hexdigest(),
        "opset": 17,
        "input": {
            "name": "image",
            "height": SIDE,
            "width": SIDE,
            "layout": layout,
            "normalisation": {"name": "scale", "mean": 0.5, "std": 0.25},
        },
        "outputs": {"probability": "probability", "cam": "cam"},
        "findings": [
            {"name": "bright", "concept": {"value": "T001", "scheme": "99HILUM", "meaning": "Bright"}, **finding},
            {"name": "dark", "concept": {"value": "T002", "scheme": "99HILUM", "meaning": "Dark"}, **finding},
        ],
        "intended_use": {
            "modalities": ["CR", "DX"],
            "body_parts": ["CHEST"],
            "views": ["PA", "AP"],
            "ages": {"min_years": 0, "max_years": 120},
            "statement": "For tests of the software only.",
        },
        "cohorts": [],
        "metrics": [],
        "provenance": {
            "git_commit": "none",
            "recipe": "tests/support/models/tiny_model.py",
            "seed": 1,
            "created": "2024-01-01",
            "tools": {},
        },
    }


def write_package(
    folder: Path, name: str, layout: Literal["NCHW", "NHWC"], gated: bool = False, outlined: bool = False
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    weights = graph_bytes(layout, gated, outlined)
    manifest = manifest_of(name, layout, weights) | ({"gate": GATE} if gated else {})
    manifest |= {"lungs": LUNGS} if outlined else {}
    Manifest.model_validate(manifest)
    (folder / "model.onnx").write_bytes(weights)
    write_manifest(folder, manifest)
    (folder / "CARD.md").write_text("# Tiny brightness model\n\nFor tests; tells bright images from dark ones.\n")
    gray = np.random.default_rng(1).integers(-8, 9, (3, SIDE, SIDE)).astype(np.float32) / 4
    gray += np.array([-0.5, 0, 0.5], np.float32)[:, None, None]
    probability, cam = tiny_outputs(gray)
    inputs = gray[:, None] if layout == "NCHW" else gray[..., None]
    cam = cam if layout == "NCHW" else np.moveaxis(cam, 1, -1)
    answers: dict[str, Any] = {"probability": probability.astype(np.float32), "cam": cam.astype(np.float32)}
    if gated:
        answers["gate"] = tiny_gate(gray).astype(np.float32)
    if outlined:
        answers["lungs"] = tiny_lungs(gray).astype(np.float32)
    np.savez_compressed(folder / "reference.npz", inputs=inputs, **answers)


if __name__ == "__main__":
    write_package(TINY, "tiny", "NCHW")
    write_package(TINY_NHWC, "tiny-nhwc", "NHWC")
    write_package(TINY_GATED, "tiny-gated", "NCHW", gated=True)
    write_package(TINY_LUNGS, "tiny-lungs", "NCHW", outlined=True)
