"""A model that tells collections apart is found out where its healthy films come from several; the disease is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is in the extra [training]")
pytest.importorskip("onnxruntime")
from tests.support.cohorts.drawn_collections import Gray, draw_collections
from tests.support.models.eyes import brightness
from tests.unit.training.judges import bench, looks_at_lungs
from training.data import images
from training.judging import group_gaps, mixed_sources
from training.judging.bench import HEALTHY, NotMeasured
from training.judging.judgement import cautions
from training.judging.mixed_sources import AdultScores, Population, figures


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "CACHE", tmp_path / "cache")


def population(of_each: int = 20) -> Population:
    """Films with the finding of the first collection, then healthy ones of each."""
    collection = np.repeat([HEALTHY[0], *HEALTHY], of_each)
    positive = np.arange(len(collection)) < of_each
    return Population((), collection, np.array([f"p{n}" for n in range(len(collection))]), positive)


def scores(films: Population, of_collection: dict[str, float], of_disease: float) -> AdultScores:
    rng = np.random.default_rng(5)
    base = np.array([of_collection[name] for name in films.collection.tolist()])
    network = np.clip(base + of_disease * films.positive + rng.normal(0, 0.02, len(base)), 0, 1)
    return AdultScores(network, rng.random(len(base)), np.ones(len(base), dtype=np.bool_))


def test_a_collection_that_is_told_apart_is_not_taken_for_disease() -> None:
    """Healthy films of nih512 are flatter: the others look as ill as the sick do."""
    films = population()
    found = figures(films, scores(films, {"nih512": 0.2, "nih64": 0.7, "rsna256": 0.7}, 0.5), 0.5)
    against = {one["name"]: one["auc"]["value"] for one in found["finding_against"]}
    assert against["nih512"] == 1 and 0.3 < against["nih64"] < 0.7 and 0.3 < against["rsna256"] < 0.7
    assert found["lowest"]["auc"]["name"] in ("nih64", "rsna256")
    assert found["mean"]["auc"]["value"] == pytest.approx(np.mean([against[name] for name in HEALTHY]))
    first, second = found["healthy_against_healthy"]
    assert (first["name"], second["name"]) == ("nih512 v nih64 + rsna256", "nih64 v rsna256")
    assert first["auc"]["value"] == 1 and 0.3 < second["auc"]["value"] < 0.7
    marked = {one["name"]: one["marked"]["value"] for one in found["called"]}
    assert marked["nih512, healthy"] == 0 and marked["rsna256, healthy"] == 1
    kinds = [kind for kind, _ in cautions({"mixed-sources": found | {"probe": "a probe"}})]
    assert "source-signal" in kinds and "no-better-than-chance" in kinds


def test_disease_that_is_found_in_every_collection_is_not_accused() -> None:
    films = population()
    found = figures(films, scores(films, dict.fromkeys(HEALTHY, 0.2), 0.6), 0.5)
    assert found["mean"]["auc"]["value"] == found["lowest"]["auc"]["value"] == 1
    assert not list(cautions({"mixed-sources": found | {"probe": "a probe"}}))


def test_a_probe_that_does_as_well_is_told() -> None:
    films = population()
    network = scores(films, dict.fromkeys(HEALTHY, 0.2), 0.02)
    equal = AdultScores(network.network, films.positive.astype(np.float64), network.answered)
    kinds = [kind for kind, _ in cautions({"mixed-sources": figures(films, equal, 0.5) | {"probe": "a probe"}})]
    assert "baseline-wins" in kinds


def test_what_the_node_would_not_answer_counts_in_no_figure() -> None:
    films = population()
    whole = scores(films, dict.fromkeys(HEALTHY, 0.2), 0.6)
    answered = ~(films.healthy("nih64"))
    found = figures(films, AdultScores(whole.network, whole.probe, answered), 0.5)
    against = {one["name"]: one for one in found["finding_against"]}
    assert against["nih64"]["auc"]["value"] is None and against["all"]["images"] == 60
    assert found["mean"]["auc"]["value"] is None and found["lowest"]["auc"]["name"] != "nih64"
    assert {one["name"]: one["refused"]["value"] for one in found["called"]}["nih64, healthy"] == 1


def flattened(film: Gray) -> Gray:
    return np.asarray(film * 0.55)


def test_films_are_read_and_the_probe_is_taught_on_train_films_of_all(tmp_path: Path) -> None:
    data = draw_collections(tmp_path, collected=flattened)
    lungs = mixed_sources.measure(bench(looks_at_lungs, data))
    assert [one["name"] for one in lungs["finding_against"]] == [*HEALTHY, "all"]
    assert [one["images"] for one in lungs["finding_against"]] == [56, 56, 56, 112]
    assert lungs["mean"]["auc"]["value"] > 0.98 and lungs["mean"]["probe"]["value"] > 0.9
    bright = mixed_sources.measure(bench(brightness(0.3), data))
    assert bright["finding_against"][0]["auc"]["value"] > 0.95
    assert bright["healthy_against_healthy"][0]["auc"]["value"] > 0.95
    shutil.rmtree(data / "rsna256")
    with pytest.raises(NotMeasured, match=r"rsna256/manifest_rows\.csv"):
        mixed_sources.measure(bench(looks_at_lungs, data))


def test_gaps_are_of_all_adults_whose_attributes_are_known(tmp_path: Path) -> None:
    found = group_gaps.measure(bench(looks_at_lungs, draw_collections(tmp_path)))
    (adults,) = found["populations"]
    assert adults["known"]["sex"] == 84 and adults["images"] == 112  # the view of rsna256 is drawn, its sex is not
    assert {group["attribute"] for group in adults["groups"]} == {"view", "sex", "age"} - {"age"}
    assert any("kermany" in one for one in found["left_out"])
