"""Who looks beside the lungs is found out by paint, drawn opacities and boxes; who looks at them is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.cohorts.drawn_collections import SIDE, Gray, draw_collections, drawn_lungs, ill
from tests.unit.training.judges import CELLS, bench, looks_at_lungs, looks_at_the_corner

pytest.importorskip("onnxruntime")
from converter.result.lung_sides import two_lungs
from training.judging import lung_evidence, pointing
from training.judging.bench import NotMeasured
from training.judging.judgement import cautions
from training.judging.outlined import Outlined, grown, load_outlined, midline, outlined_examples

FRAME = (SIDE, SIDE)


def with_a_letter(film: Gray) -> Gray:
    """The sick have a bright corner, and nothing in their lungs."""
    marked = film.copy()
    marked[:20, :20] = 0.9
    return marked


@pytest.fixture(scope="module")
def in_lungs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_collections(tmp_path_factory.mktemp("lungs"))


@pytest.fixture(scope="module")
def in_corner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_collections(tmp_path_factory.mktemp("corner"), sick=with_a_letter)


def paints(found: dict[str, Any]) -> dict[str, float]:
    return {one["name"]: one["auc"]["value"] for one in found["paints"]}


def test_who_looks_at_the_lungs_is_lost_without_them(in_lungs: Path) -> None:
    found = lung_evidence.measure(bench(looks_at_lungs, in_lungs))
    auc = paints(found)
    assert auc["whole film"] == auc["lungs alone"] == 1
    assert auc["lungs painted flat"] == auc["lungs painted out"] == auc["silhouette alone"] == 0.5
    assert found["map"]["inside"]["value"] > 0.9 and found["map"]["peak_inside"]["value"] == 1
    assert found["map"]["area"]["value"] == pytest.approx(drawn_lungs().mean(), abs=0.01)
    assert not list(cautions({"lung-evidence": found}))


def test_who_looks_beside_them_is_found_out(in_corner: Path) -> None:
    found = lung_evidence.measure(bench(looks_at_the_corner, in_corner))
    auc = paints(found)
    assert auc["whole film"] == auc["lungs painted flat"] == auc["lungs painted out"] == 1
    assert auc["lungs alone"] == 0.5
    assert found["map"]["inside"]["value"] < 0.05 and found["map"]["peak_inside"]["value"] == 0
    ((kind, text),) = cautions({"lung-evidence": found})
    assert kind == "evidence-outside" and "lungs painted out" in text


def test_a_map_that_points_at_opacities_is_told_from_one_that_does_not(in_lungs: Path) -> None:
    seeing = pointing.measure(bench(looks_at_lungs, in_lungs))
    blind = pointing.measure(bench(looks_at_the_corner, in_lungs))
    assert seeing["films"] == blind["films"] == 7 and seeing["left_out"] == 0
    assert [one["opacities"] for one in seeing["sizes"]] == [28, 28, 28]
    # of seven patients no share is stated
    assert seeing["sizes"][0]["pointed"]["value"] is None
    seeing, blind = (
        pointing.measure(bench(eye, in_lungs, films=56))["sizes"][-1] for eye in (looks_at_lungs, looks_at_the_corner)
    )
    assert seeing["pointed"]["value"] > 0.8 and seeing["fell"]["value"] == 0 and seeing["cross"]["value"] < 0.1
    assert blind["pointed"]["value"] == blind["shown"]["value"] == 0


def test_a_probability_that_falls_when_something_is_added_is_counted(in_lungs: Path) -> None:
    def contrary(gray: NDArray[np.float32]) -> NDArray[np.float32]:
        return -looks_at_lungs(gray)

    found = pointing.measure(bench(contrary, in_lungs, films=56))
    assert found["sizes"][-1]["fell"]["value"] == 1


def test_an_opacity_is_brightest_in_the_middle_of_its_zone_and_brightens_only() -> None:
    lungs = two_lungs(drawn_lungs())
    assert lungs is not None
    places = pointing.zones(*lungs)
    assert len(places) == 4
    for name, (row, column) in places.items():
        assert drawn_lungs()[row, column]
        assert (row < 0.45 * SIDE) == name.startswith("upper") and (column < SIDE / 2) == ("left of" in name)
    film = np.full(FRAME, 0.3, dtype=np.float32)
    film[:40] = 0.8
    row, column = places["lower, left of the picture"]
    added = pointing.drawn(film, row, column, 8.0) - film
    assert added[row, column] == added.max() and added.min() >= 0
    assert added[row, column] == pytest.approx(0.7 * 0.5, abs=0.01)
    assert added[row, column + 8] == pytest.approx(added[row, column] * np.exp(-0.5), abs=0.01)


def test_the_midline_is_half_way_between_two_lungs() -> None:
    lungs = np.zeros((100, 100), dtype=np.bool_)
    lungs[10:90, 10:40] = lungs[20:90, 60:80] = True
    parts = two_lungs(lungs)
    assert parts is not None and parts[0][50, 20] and parts[1][50, 70]
    assert midline(*parts) == 50
    for one_lung in (lungs & (np.arange(100) < 50), np.ones((100, 100), dtype=np.bool_)):
        assert two_lungs(one_lung) is None
    apart = np.zeros((100, 100), dtype=np.bool_)
    apart[:40, :40] = apart[60:, 60:] = True
    above = two_lungs(apart)
    assert above is not None and midline(*above) is None


def test_a_box_that_reaches_over_the_midline_crosses_it_and_one_beside_it_does_not() -> None:
    cam = np.full((CELLS, CELLS), -1.0, dtype=np.float32)
    cam[6:9, 2:6] = 5
    assert not lung_evidence.crosses(cam, SIDE / 2, FRAME)
    cam[6:9, 2:12] = 5
    assert lung_evidence.crosses(cam, SIDE / 2, FRAME)


def test_only_a_map_on_one_side_is_asked_whether_its_box_crosses(in_lungs: Path) -> None:
    measured = bench(looks_at_lungs, in_lungs)
    films = load_outlined(measured, outlined_examples(measured))[:12]
    one, both = (np.full((CELLS, CELLS), -1.0, dtype=np.float32) for _ in range(2))
    one[6:9, 2:6] = 5
    both[6:9, 2:14] = 5
    found = lung_evidence.boxes([one] * 6 + [both] * 6, films)
    assert (found["films"], found["one_sided"]) == (12, 6)
    assert lung_evidence.boxes([one] * 12, films)["cross"]["value"] == 0


def test_grown_lungs_are_wider_by_the_share_of_the_width() -> None:
    lungs = np.zeros((100, 200), dtype=np.bool_)
    lungs[40:60, 80:120] = True
    wide = grown(lungs, 0.05)
    assert wide[50, 70] and wide[50, 129] and wide[30, 100] and not wide[50, 69] and not wide[29, 100]


def test_without_outlines_it_is_said_that_nothing_is_measured(tmp_path: Path) -> None:
    data = draw_collections(tmp_path, of_a_class=2)
    (data / "lungmasks224" / "masks.csv").unlink()
    for part in (lung_evidence, pointing):
        with pytest.raises(NotMeasured, match="no film of kermany224 in devtest has an outline"):
            part.measure(bench(looks_at_lungs, data))


def test_paint_says_nothing_of_the_film_it_covers() -> None:
    lungs = drawn_lungs()
    dark, bright = (Outlined(None, np.full(FRAME, level, np.float32), lungs, False) for level in (0.2, 0.7))  # type: ignore[arg-type]
    for paint in (lung_evidence.lungs_flat, lung_evidence.lungs_out, lung_evidence.silhouette):
        first, second = paint(dark, 0.4), paint(bright, 0.4)
        assert np.array_equal(first[lungs], second[lungs]) and np.unique(first[lungs]) == np.float32(0.4)
    assert ill(np.zeros(FRAME)).max() > 0.4
