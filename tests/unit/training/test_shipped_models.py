"""Every package under models/ is complete, proven and honest."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from converter.evaluation.wording import decimal, percent
from converter.package.manifest import Manifest, load_manifest
from tests.support.checkout import MODELS
from training.packaging.card_judgement import judged_metrics
from training.packaging.measured import metrics

PACKAGES = sorted(path.parent for path in MODELS.glob("*/*/manifest.yaml"))
BYTES_MAX = 12_000_000
REPORT_BYTES_MAX = 250_000
MAP_SHIFT_MAX = 2.0 / 128
REFUSED_FILMS_MAX = 0.02
REFUSED_OTHERS_MIN = 0.95

# By body part: ages that a package has evidence for, and ages that it has none for.
AGES = {"CHEST": ((3.0,), (0.5, 12.0, 18.0, 70.0)), "BRAIN": ((5.0, 40.0, 80.0), ())}
# By accepted kind: what its gate was measured with besides, and how many pictures of the kind at least; where more than
# one source has them, how many of one that it never learned from.
REFUSED_KINDS = {
    "frontal-chest": {"other-radiograph", "other-modality", "picture", "noise", "inverted"},
    "brain-slice": {"radiograph", "other-slice", "picture", "noise", "inverted"},
}
FILMS_MIN = {"frontal-chest": (1000, 100), "brain-slice": (100, 0)}

pytestmark = pytest.mark.parametrize("package", PACKAGES, ids=lambda path: f"{path.parent.name}@{path.name}")


def manifest_of(package: Path) -> Manifest:
    return load_manifest(package / "manifest.yaml")


def test_package_lies_where_its_name_and_version_say(package: Path) -> None:
    manifest = manifest_of(package)
    assert (manifest.name, manifest.version) == (package.parent.name, package.name)
    files = {path.name for path in package.iterdir()} - {"report"}
    assert files == {"manifest.yaml", "model.onnx", "CARD.md", "reference.npz", "learned.bin"}


def test_package_is_for_those_whom_it_has_evidence_for_and_says_why_for_nobody_else(package: Path) -> None:
    use, card = manifest_of(package).intended_use, (package / "CARD.md").read_text(encoding="utf-8")
    assert use.statement in card and all(limit in card for limit in use.limits)
    for part, (inside, outside) in AGES.items():
        if part in use.body_parts:
            assert all(years in use.ages for years in inside) and not any(years in use.ages for years in outside)
    if use.ages.reason:
        assert f"Patients of other ages are declined: {use.ages.reason}." in card


def test_graph_is_the_one_the_manifest_names(package: Path) -> None:
    graph = (package / "model.onnx").read_bytes()
    assert len(graph) <= BYTES_MAX
    assert hashlib.sha256(graph).hexdigest() == manifest_of(package).onnx_sha256


def test_reference_inputs_give_the_expected_outputs(package: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    manifest = manifest_of(package)
    session = onnxruntime.InferenceSession(package / "model.onnx", providers=["CPUExecutionProvider"])
    with np.load(package / "reference.npz", allow_pickle=False) as reference:
        names = [manifest.outputs.probability, manifest.outputs.cam]
        probability, cam = session.run(names, {manifest.input.name: reference["inputs"]})
        assert np.abs(probability - reference["probability"]).max() <= 1e-4
        assert np.abs(cam - reference["cam"]).max() <= 1e-3
        one_by_one = [
            session.run(names[:1], {manifest.input.name: one[np.newaxis]})[0][0] for one in reference["inputs"]
        ]
        if manifest.gate is not None:
            (gate,) = session.run([manifest.gate.output], {manifest.input.name: reference["inputs"]})
            assert np.abs(gate - reference["gate"]).max() <= 1e-4
    assert np.allclose(one_by_one, probability, atol=1e-5)
    places = (2, 3) if manifest.input.layout == "NCHW" else (1, 2)
    assert np.allclose(1 / (1 + np.exp(-cam.mean(axis=places))), probability, atol=1e-5)


def test_map_changes_where_the_picture_does(package: Path) -> None:
    pytest.importorskip("onnxruntime")
    from training.judging.map_shift import response_shift

    spec = manifest_of(package).input
    if manifest_of(package).lungs is not None:
        pytest.skip("the map of drawn reference inputs has no lungs to lie on: see test_shipped_on_data.py")
    with np.load(package / "reference.npz", allow_pickle=False) as reference:
        x, y = response_shift((package / "model.onnx").read_bytes(), reference["inputs"], spec)
    assert abs(x) <= MAP_SHIFT_MAX * spec.width
    assert abs(y) <= MAP_SHIFT_MAX * spec.height


def test_every_trained_cohort_was_measured_with_an_interval(package: Path) -> None:
    """Of a cohort without the finding, or too small a picture for the node, only what can be measured."""
    manifest = manifest_of(package)
    point = manifest.findings[0].operating_point
    for cohort in manifest.cohorts:
        figures = {metric.name.split(",")[0] for metric in manifest.metrics if metric.cohort == cohort.name}
        if point is not None and cohort.name in point.guarded:
            assert {"auc", "sensitivity", "specificity", "ece", "brier"} <= figures
        assert any(cohort.name in f"{metric.name} {metric.cohort}" for metric in manifest.metrics)
    assert all(metric.low is not None and metric.high is not None for metric in manifest.metrics)


def test_card_repeats_the_figures_of_the_manifest(package: Path) -> None:
    card, manifest = (package / "CARD.md").read_text(encoding="utf-8"), manifest_of(package)
    assert manifest.onnx_sha256 in card
    assert str(manifest.findings[0].operating_threshold) in card
    for metric in manifest.metrics:
        figure = {"value": metric.value, "low": metric.low, "high": metric.high}
        alone = f"{metric.value:.3f} |" if metric.name.startswith("baseline auc, ") else decimal(figure)
        assert decimal(figure) in card or percent(figure) in card or alone in card


def test_report_holds_the_figures_of_the_manifest_and_is_small(package: Path) -> None:
    report, manifest = package / "report", manifest_of(package)
    assert {path.suffix for path in report.iterdir()} <= {".json", ".md"}
    assert sum(path.stat().st_size for path in report.iterdir()) <= REPORT_BYTES_MAX
    documents = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in report.glob("*.json")}
    assert all(one["package"]["onnx_sha256"] == manifest.onnx_sha256 for one in documents.values())
    found = list(metrics(documents["figures.json"]))
    if "judgement.json" in documents:
        found += judged_metrics(documents["judgement.json"], manifest)
    assert tuple(found) == manifest.metrics


def test_gate_was_measured_by_source_and_reached_its_goal(package: Path) -> None:
    gate = manifest_of(package).gate
    if gate is None:
        pytest.skip("this package has no input gate")
    accepted = gate.kinds[0].name
    for one in gate.measured:
        assert one.low <= one.refused / one.images <= one.high
    films = [one for one in gate.measured if one.kind == accepted]
    others = [one for one in gate.measured if one.kind != accepted and not one.seen]
    assert {one.kind for one in others} >= REFUSED_KINDS[accepted]
    films_min, unseen_min = FILMS_MIN[accepted]
    for part, images_min, share_min, share_max in (
        (films, films_min, 0, REFUSED_FILMS_MAX),
        ([one for one in films if not one.seen], unseen_min, 0, REFUSED_FILMS_MAX),
        (others, 1000, REFUSED_OTHERS_MIN, 1),
    ):
        images, refused = sum(one.images for one in part), sum(one.refused for one in part)
        assert images >= images_min and share_min <= refused / max(1, images) <= share_max


def test_a_gate_comes_out_of_its_package_as_it_went_in(package: Path, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    import onnx

    from training.gate.attach import add_gate
    from training.gate.packaged import load, write_run
    from training.gate.spec import GRAPH_INPUT
    from training.packaging.canonical import cut

    manifest, graph = manifest_of(package), (package / "model.onnx").read_bytes()
    assert manifest.gate is not None
    write_run(tmp_path / "gate", graph, manifest.gate)
    branch, told = load(tmp_path / "gate")
    assert told == manifest.gate.model_copy(update={"measured": ()})
    others = [one.name for one in onnx.load_model_from_string(graph).graph.output if one.name != manifest.gate.output]
    bare = cut(onnx.load_model_from_string(graph), others).SerializeToString()
    session = onnxruntime.InferenceSession(add_gate(bare, manifest.input, branch, GRAPH_INPUT))
    with np.load(package / "reference.npz", allow_pickle=False) as reference:
        (again,) = session.run([manifest.gate.output], {manifest.input.name: reference["inputs"]})
        assert np.array_equal(again, reference["gate"])


def test_gate_learned_from_nothing_that_it_was_measured_on(package: Path) -> None:
    gate = manifest_of(package).gate
    if gate is None:
        pytest.skip("this package has no input gate")
    learned = {source.name for source in gate.sources}
    assert not learned & {one.source for one in gate.measured if not one.seen}
    assert all(source.licence for source in gate.sources)
