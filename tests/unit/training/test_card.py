"""The card says what was measured, and what was not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from converter.manifest import Manifest, load_manifest
from tests.support.examples import labelled
from tests.unit.test_manifest import valid_manifest
from training.card import card, metrics
from training.manifest_file import write_manifest
from training.measure import Group, measure


def report(one_class: bool = False, images: int = 40, service: str = "wrong-body-part") -> dict[str, Any]:
    positive = [True] * 40 if one_class else [True, False, True, False] * 10
    examples = [labelled(Path(f"{n}.jpg"), "kermany224", p, "devtest", f"p{n}") for n, p in enumerate(positive)]
    score = np.array([0.9, 0.2, 0.4, 0.7] * 10)
    group = Group("kermany224", "kermany224", "devtest", np.arange(40) < images)
    return {
        "package": {"name": "m", "version": "1.0.0", "onnx_sha256": "0" * 64},
        "groups": [measure(group, examples, score, 0.5, score)],
        "size_leak": {"area_alone": 0.9, "as_stored": 0.99, "resized": 0.989, "padded": 0.97},
        "looked_at": [
            {
                "folder": "nonchest",
                "file": "hip.dcm",
                "outcome": "analysed",
                "probability": 0.75,
                "in_service": service,
            },
            {"folder": "nonchest", "file": "empty.dcm", "outcome": "undecodable", "in_service": "undecodable"},
        ],
    }


def test_card_shows_every_figure_with_its_interval() -> None:
    text = card(Manifest.model_validate(valid_manifest()), report())
    figure = report()["groups"][0]["auc"]
    assert f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})" in text
    assert "| kermany224 | 10 | 10 | 10 | 10 | 0.500 | 0.500 |" in text
    assert "| nonchest | hip.dcm | analysed | 0.750 | wrong-body-part |" in text
    assert "| nonchest | empty.dcm | undecodable | - | undecodable |" in text
    assert "research use" in text.lower()


def test_card_names_the_files_that_the_header_rules_admit() -> None:
    manifest = Manifest.model_validate(valid_manifest())
    refused, admitted = card(manifest, report()), card(manifest, report(service="analysed"))
    assert "The header rules refuse 1 of them." in refused
    assert "The header rules refuse 0 of them; they admit `hip.dcm`" in admitted


def test_card_counts_the_films_behind_an_age_band() -> None:
    minors = report()
    minors["groups"].append(minors["groups"][0] | {"name": "nih512 age 0-17"})
    manifest = Manifest.model_validate(valid_manifest())
    assert "no more evidence than the 40 films" in card(manifest, minors)
    assert "no more evidence than the 0 films" in card(manifest, report())


def test_a_figure_that_needs_both_classes_is_left_out_and_not_invented() -> None:
    names = {metric.name for metric in metrics(report(one_class=True))}
    assert "sensitivity, kermany224" in names
    assert "auc, kermany224" not in names
    assert "specificity, kermany224" not in names


def test_a_figure_that_would_rest_on_a_handful_of_images_is_left_out_and_its_counts_are_not() -> None:
    few = report(images=18)
    assert few["groups"][0]["auc"]["value"] is None
    assert "| kermany224 | devtest | 18 (9), 18 | - | - | - | - | - | - |" in card(
        Manifest.model_validate(valid_manifest()), few
    )
    assert few["groups"][0]["confusion"] == {"tp": 5, "fn": 4, "fp": 4, "tn": 5}


def test_a_written_manifest_is_read_back_unchanged(tmp_path: Any) -> None:
    manifest = Manifest.model_validate(valid_manifest()).model_copy(update={"metrics": tuple(metrics(report()))})
    write_manifest(tmp_path / "manifest.yaml", manifest)
    assert load_manifest(tmp_path / "manifest.yaml") == manifest
