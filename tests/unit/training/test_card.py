"""The card says what was measured, and what was not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converter.evaluation.cases import Case, Rival
from converter.evaluation.report import Setting, build_report
from converter.package.calibration import Calibration
from converter.package.finding import OperatingPoint
from converter.package.gate import GateFigure
from converter.package.manifest import Manifest, load_manifest
from tests.support.models.tiny_model import TINY_GATED
from tests.unit.package.test_manifest import precision, valid_manifest
from training.__main__ import main
from training.packaging.card import EXPLAINED, INVERTED_TWIN, MADE, UPRIGHT_TWIN, card
from training.packaging.manifest_file import write_manifest
from training.packaging.measured import metrics


def manifest(**changes: Any) -> Manifest:
    return Manifest.model_validate(valid_manifest() | changes)


def of_two_findings() -> Manifest:
    one = valid_manifest()["findings"][0]
    other = one | {"name": "effusion", "concept": {"value": "60046008", "scheme": "SCT", "meaning": "Pleural effusion"}}
    return manifest(findings=[one, other])


def report(about: Manifest | None = None, one_class: bool = False, images: int = 40, service: str = "x") -> Any:
    about = about or manifest()
    truth = [True] * images if one_class else ([True, False, True, False] * 10)[:images]
    score = ([0.9, 0.2, 0.4, 0.7] * 10)[:images]
    names = [finding.name for finding in about.findings]
    cases = [
        Case(f"{n}.jpg", f"p{n}", "kermany224", dict.fromkeys(names, there), dict.fromkeys(names, score[n]), view="AP")
        for n, there in enumerate(truth)
    ]
    rival = Rival("a logistic regression", [dict.fromkeys(names, number) for number in score])
    made = build_report(about, cases, Setting("t", "2026-01-01", {"kermany224": "devtest"}), [rival])
    hip = {"folder": "dicom/nonchest", "file": "hip.dcm", "outcome": "analysed", "probability": 0.75}
    empty = {"folder": "dicom/nonchest", "file": "empty.dcm", "outcome": "undecodable", "in_service": "undecodable"}
    return made | {"looked_at": [hip | {"in_service": service}, empty]}


def test_card_shows_every_figure_with_its_interval() -> None:
    text, measured = card(manifest(), report()), list(metrics(report()))
    assert {metric.name for metric in measured} >= {"auc, kermany224", "ece, kermany224"}
    for metric in measured:
        assert f"{metric.value:.3f} ({metric.low:.3f} to {metric.high:.3f})" in text
    assert "| kermany224 | 10 | 10 | 10 | 10 | 0 | 0.500 | 0.500 |" in text
    assert "| dicom/nonchest | hip.dcm | analysed | 0.750 | x |" in text
    assert "| dicom/nonchest | empty.dcm | undecodable | - | undecodable |" in text
    assert "research use" in text.lower()


def test_a_card_is_not_written_from_images_that_the_package_was_made_from(tmp_path: Path) -> None:
    shutil.copytree(TINY_GATED, tmp_path / "tiny")
    before = (tmp_path / "tiny" / "manifest.yaml").read_bytes()
    figures = report(load_manifest(TINY_GATED / "manifest.yaml"))
    for finding in figures["findings"]:
        for group in finding["groups"]:
            group["split"] = "devtest + train"
    (tmp_path / "r.json").write_text(json.dumps(figures), encoding="utf-8")
    with pytest.raises(SystemExit, match="was measured on train, which the package was made from"):
        main(["card", str(tmp_path / "tiny"), str(tmp_path / "r.json")])
    assert (tmp_path / "tiny" / "manifest.yaml").read_bytes() == before


def test_card_has_a_table_and_a_threshold_for_each_finding() -> None:
    about = of_two_findings()
    text, names = card(about, report(about)), {metric.name for metric in metrics(report(about))}
    assert {"auc of pneumonia, kermany224", "auc of effusion, kermany224"} <= names
    for words in ("- **Pneumonia** (SCT 233604007): positive from **0.5**", "### Pleural effusion"):
        assert words in text


def test_card_names_the_files_that_the_header_rules_admit() -> None:
    refused, admitted = card(manifest(), report()), card(manifest(), report(service="analysed"))
    assert "1 file that is no chest radiograph got a probability, 1 of them above the threshold." in refused
    assert "The header rules refuse 1 of them." in refused
    assert "The header rules refuse 0 of them; they admit `hip.dcm`" in admitted


def test_card_of_a_package_that_gave_no_such_file_a_probability_says_that() -> None:
    told = report()
    told["looked_at"] = [entry for entry in told["looked_at"] if "probability" not in entry]
    text = card(manifest(), told)
    assert "No file that is no chest radiograph got a probability." in text
    assert "0 of the 0" not in text and "0 of them" not in text


def test_card_says_which_file_is_shown_inverted() -> None:
    told, entry = report(), {"folder": "cxr/dicom", "outcome": "analysed", "probability": 0.5, "in_service": "analysed"}
    told["looked_at"] += [entry | {"file": UPRIGHT_TWIN}, entry | {"file": INVERTED_TWIN}]
    assert f"`{INVERTED_TWIN}` has the pixels of `{UPRIGHT_TWIN}`" in card(manifest(), told)
    told["looked_at"].pop()
    assert "white are exchanged" not in card(manifest(), told)


def test_card_explains_its_figures_and_writes_whole_percents_whole() -> None:
    text = card(manifest(), report())
    assert "each with its 95 % interval over patients" in text and "95.0 %" not in text
    for word in EXPLAINED:
        assert f"\n- {word}: " in text
    assert "ages 0 to 120 years" in text


def test_card_of_drawn_pictures_says_that_it_carries_no_clinical_weights() -> None:
    drawn = manifest(cohorts=[valid_manifest()["cohorts"][0] | {"made": True}])
    assert MADE in card(drawn, report())
    assert "kermany224 (drawn pictures)" in card(drawn, report())
    assert "No clinical weights" not in card(manifest(), report())


def test_card_gives_the_limits_of_the_recipe_and_why_its_numbers_were_chosen() -> None:
    described = valid_manifest()
    described["intended_use"]["limits"] = ["Children of one hospital only."]
    described["findings"][0]["calibration"] = Calibration(
        method="platt", temperature=2, bias=1, fitted_on="x val", reason="held-out log loss 0.1"
    ).model_dump()
    described["findings"][0]["operating_point"] = OperatingPoint(
        rule="youden",
        sensitivity_min=0.98,
        guarded=("x",),
        held_out_sensitivity=0.985,
        held_out_specificity=0.9,
        reason="held-out sensitivity 0.985",
    ).model_dump()
    text = card(Manifest.model_validate(described), report())
    assert "- Children of one hospital only." in text
    assert "Chosen by cross-validation: held-out sensitivity 0.985." in text
    assert "Calibration: platt 2 and bias 1, fitted on x val. Chosen by: held-out log loss 0.1." in text


def test_card_of_fewer_bits_says_what_they_cost() -> None:
    text = card(manifest(precision=precision()), report())
    assert f"Computed in int8: made of the float32 graph `{'1' * 64}`, prepared on 200 train films." in text
    assert "| nih512 | pneumonia | devtest | 101 | 0.9000, 0.8990 | 0.1000, 0.1050 | 0.0200 |" in text


def test_card_says_how_near_the_graph_is_to_its_network() -> None:
    described = valid_manifest()
    described["provenance"]["parity"] = {"split": "devtest", "images": 947, "probability": 2.4e-7, "cam": 3.1e-6}
    text = card(Manifest.model_validate(described), report())
    assert "over all 947 images of devtest: probabilities differ by 2.4e-07 at most, maps by 3.1e-06." in text


def test_card_says_what_the_gate_refuses_and_how_often_it_was_right() -> None:
    gated = load_manifest(TINY_GATED / "manifest.yaml")
    assert gated.gate is not None
    figure = GateFigure(source="legs", kind=gated.gate.kinds[1].name, images=40, refused=38, low=0.83, high=0.99)
    gate = gated.gate.model_copy(update={"measured": (figure,)})
    text = card(gated.model_copy(update={"gate": gate}), report(gated))
    assert f"| legs | {figure.kind} | 40 | 38: 95.0 % (83.0 to 99.0) | nothing |" in text
    assert f"Of {gated.gate.kinds[0].name} every refusal is a mistake" in text
    assert "no input gate" not in text
    assert "no input gate" in card(manifest(), report())


def test_a_figure_that_needs_both_classes_is_left_out_and_not_invented() -> None:
    names = {metric.name for metric in metrics(report(one_class=True))}
    assert "sensitivity, kermany224" in names
    assert "auc, kermany224" not in names
    assert "specificity, kermany224" not in names


def test_a_figure_that_would_rest_on_a_handful_of_images_is_left_out_and_its_counts_are_not() -> None:
    few = card(manifest(), report(images=18))
    assert "| kermany224 | devtest | 18 (9), 18 | - | - | - | - | - | - |" in few
    assert "| kermany224 | 5 | 4 | 4 | 5 | 0 |" in few


def test_a_written_manifest_is_read_back_unchanged(tmp_path: Any) -> None:
    written = manifest().model_copy(update={"metrics": tuple(metrics(report()))})
    write_manifest(tmp_path / "manifest.yaml", written)
    assert load_manifest(tmp_path / "manifest.yaml") == written


def test_equal_figures_make_an_equal_card() -> None:
    assert card(manifest(), report()) == card(manifest(), report())
    assert np.isfinite([metric.value for metric in metrics(report())]).all()
