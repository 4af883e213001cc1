"""A model package whose manifest is wrong never serves, and the message names every field that is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from converter.errors import InvalidManifest
from converter.package.manifest import Manifest, load_manifest


def valid_manifest() -> dict[str, Any]:
    return {
        "name": "pneumonia",
        "version": "1.0.0",
        "title": "Pneumonia",
        "manufacturer": "Hilum",
        "onnx_sha256": "0" * 64,
        "opset": 17,
        "input": {"height": 128, "width": 128, "layout": "NCHW", "normalisation": {"name": "centre-standardise"}},
        "outputs": {},
        "findings": [
            {
                "name": "pneumonia",
                "concept": {"value": "233604007", "scheme": "SCT", "meaning": "Pneumonia"},
                "operating_threshold": 0.5,
                "threshold_rule": "fixed on val",
                "calibration": {"method": "temperature", "temperature": 1.2, "fitted_on": "kermany224 val"},
            }
        ],
        "intended_use": {
            "modalities": ["CR", "DX"],
            "body_parts": ["CHEST"],
            "views": ["PA", "AP"],
            "ages": {"min_years": 0, "max_years": 120},
            "statement": "Research use only.",
        },
        "cohorts": [{"name": "kermany224", "images": 10, "patients": 9, "licence": "CC BY 4.0", "citation": "Kermany"}],
        "metrics": [],
        "provenance": {"git_commit": "0" * 40, "recipe": "r", "seed": 1, "created": "2025", "tools": {"keras": "3"}},
    }


def load(folder: Path, manifest: Any) -> Manifest:
    file = folder / "manifest.yaml"
    file.write_text(yaml.safe_dump(manifest), encoding="utf-8")
    return load_manifest(file)


def test_a_valid_manifest_is_read_with_its_defaults(tmp_path: Path) -> None:
    manifest = load(tmp_path, valid_manifest())
    assert manifest.input.name == "image"
    assert (manifest.outputs.probability, manifest.outputs.cam) == ("probability", "cam")
    assert manifest.input.normalisation.clip == 3.0


@pytest.mark.parametrize(
    "path,value",
    [
        ("name", "Pneumonia!"),
        ("version", "1.0"),
        ("onnx_sha256", "abc"),
        ("opset", 9),
        ("input.height", 8),
        ("input.layout", "CHW"),
        ("input.normalisation.name", "zscore"),
        ("input.normalisation.margin", 0.5),
        ("findings.0.operating_threshold", 1.0),
        ("findings.0.operating_threshold", 0),
        ("findings.0.calibration.temperature", -1),
        ("findings.0.concept.meaning", "x" * 65),
        ("intended_use.ages.max_years", 200),
        ("cohorts.0.images", 0),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_field(tmp_path: Path, path: str, value: Any) -> None:
    manifest = valid_manifest()
    put(manifest, path, value)
    with pytest.raises(InvalidManifest) as refused:
        load(tmp_path, manifest)
    assert path in str(refused.value)
    assert str(tmp_path / "manifest.yaml") in str(refused.value)


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    manifest = valid_manifest()
    manifest["opset"] = 3
    manifest["licence"] = "unknown key"
    del manifest["findings"][0]["concept"]["scheme"]
    with pytest.raises(InvalidManifest) as refused:
        load(tmp_path, manifest)
    for field in ("opset", "licence", "findings.0.concept.scheme"):
        assert field in str(refused.value)


def test_two_findings_of_one_name_are_refused(tmp_path: Path) -> None:
    manifest = valid_manifest()
    manifest["findings"] *= 2
    with pytest.raises(InvalidManifest, match="two findings have the same name"):
        load(tmp_path, manifest)


def test_ages_the_wrong_way_round_are_refused(tmp_path: Path) -> None:
    manifest = valid_manifest()
    manifest["intended_use"]["ages"] = {"min_years": 18, "max_years": 5}
    with pytest.raises(InvalidManifest, match="min_years"):
        load(tmp_path, manifest)


@pytest.mark.parametrize("text", ["", "- a list", "name: [", "just words", "\x00"])
def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidManifest):
        load_manifest(tmp_path / "manifest.yaml")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidManifest):
        load_manifest(tmp_path / "manifest.yaml")


def put(manifest: Any, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for key in parents:
        manifest = manifest[int(key)] if key.isdigit() else manifest[key]
    manifest[last] = value


def reduced_cohort(**changes: Any) -> dict[str, Any]:
    figures = {"auc_full": 0.9, "auc_reduced": 0.9015, "ece_full": 0.1, "ece_reduced": 0.104, "largest_change": 0.2}
    return {"cohort": "nih512", "split": "devtest", "images": 101, **figures, **changes}


def evidence(*cohorts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    known = {"onnx_sha256": "0" * 64, "measured": "2026-01-01", "auc_tolerance": 0.002, "ece_tolerance": 0.005}
    return {**known, "cohorts": list(cohorts) or [reduced_cohort()], **changes}


def reduced_manifest(found: dict[str, Any] | None) -> dict[str, Any]:
    manifest = valid_manifest()
    manifest["input"]["jpeg2000_reduced"] = True
    return manifest | ({"jpeg2000_evidence": found} if found else {})


def test_reduced_decoding_is_off_and_may_be_set_where_the_evidence_carries_it(tmp_path: Path) -> None:
    assert load(tmp_path, valid_manifest()).input.jpeg2000_reduced is False
    assert load(tmp_path, reduced_manifest(evidence())).input.jpeg2000_reduced is True
    # evidence that does not carry it may lie in a package that does not set it
    assert load(tmp_path, valid_manifest() | {"jpeg2000_evidence": evidence(reduced_cohort(auc_reduced=0.1))})


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (None, "there is no jpeg2000_evidence"),
        (evidence(onnx_sha256="1" * 64), "measured with other weights"),
        (evidence(reduced_cohort(images=99)), "rests on 99 images, fewer than 100"),
        (evidence(reduced_cohort(auc_reduced=0.897)), r"AUC on nih512 is 0.8970 instead of 0.9000 \(\+-0.002\)"),
        (evidence(reduced_cohort(ece_reduced=0.11)), "ECE on nih512 is 0.1100 instead of 0.1000"),
        (evidence(reduced_cohort(), reduced_cohort(cohort="other", auc_reduced=0.8)), "AUC on other"),
        (evidence(auc_tolerance=0.003), "auc_tolerance"),
        (evidence(ece_tolerance=0.1), "ece_tolerance"),
        (evidence(cohorts=[]), "cohorts"),
    ],
)
def test_reduced_decoding_without_evidence_within_tolerance_is_refused(
    found: dict[str, Any] | None, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidManifest, match=message):
        load(tmp_path, reduced_manifest(found))


def knots(*pairs: tuple[float, float]) -> list[dict[str, float]]:
    return [{"raw": raw, "calibrated": calibrated} for raw, calibrated in pairs]


@pytest.mark.parametrize(
    ("calibration", "problem"),
    [
        ({"method": "isotonic"}, "isotonic needs two knots"),
        ({"method": "isotonic", "knots": knots((0, 0))}, "isotonic needs two knots"),
        ({"method": "platt", "knots": knots((0, 0), (1, 1))}, "nothing else has any"),
        ({"method": "isotonic", "knots": knots((0, 0), (1, 0))}, "knots must rise"),
        ({"method": "isotonic", "knots": knots((0, 0), (0, 1))}, "knots must rise"),
        ({"method": "isotonic", "knots": knots(*((n, n) for n in range(17)))}, "at most 16"),
    ],
)
def test_a_calibration_that_could_reorder_scores_is_refused(
    tmp_path: Path, calibration: dict[str, Any], problem: str
) -> None:
    manifest = valid_manifest()
    manifest["findings"][0]["calibration"] = calibration | {"fitted_on": "x"}
    with pytest.raises(InvalidManifest, match=problem):
        load(tmp_path, manifest)


@pytest.mark.parametrize(
    ("calibration", "printed"),
    [
        ({"method": "none"}, "none"),
        ({"method": "temperature", "temperature": 1.25}, "temperature 1.25"),
        ({"method": "platt", "temperature": 1.25, "bias": -0.5}, "platt 1.25 and bias -0.5"),
        (
            {"method": "isotonic", "knots": knots((-2, -1), (3, 4))},
            "isotonic with 2 knots after temperature 1 and bias 0",
        ),
    ],
)
def test_a_calibration_is_printed_with_its_numbers(tmp_path: Path, calibration: dict[str, Any], printed: str) -> None:
    manifest = valid_manifest()
    manifest["findings"][0]["calibration"] = calibration | {"fitted_on": "x"}
    assert load(tmp_path, manifest).findings[0].calibration.summary == printed


def precision(**changes: Any) -> dict[str, Any]:
    figures = {"auc_full": 0.9, "auc": 0.899, "ece_full": 0.1, "ece": 0.105, "largest_change": 0.02}
    cohort = {"cohort": "nih512", "finding": "pneumonia", "split": "devtest", "images": 101, **figures, **changes}
    return {"kind": "int8", "full_sha256": "1" * 64, "prepared_on": "200 train films", "cohorts": [cohort]}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"auc": 0.898}, "AUC of pneumonia on nih512 falls from 0.9000 to 0.8980"),
        ({"ece": 0.1051}, "ECE of pneumonia on nih512 rises from 0.1000 to 0.1051"),
        ({"images": 99}, "99 images, fewer than 100"),
    ],
)
def test_fewer_bits_that_cost_something_are_refused(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    assert load(tmp_path, valid_manifest() | {"precision": precision()}).precision
    with pytest.raises(InvalidManifest, match=problem):
        load(tmp_path, valid_manifest() | {"precision": precision(**changes)})
