"""Each change of the table does what its name says, more of it with each strength, and the same when it is repeated."""

from __future__ import annotations

import numpy as np
import pytest

from converter.evaluation.changes import CHANGES, Change, changed
from converter.phantom.chest_sketch import sketch_chest

FILM = np.asarray(sketch_chest(240, 200), dtype=np.float32)
BY_NAME = {change.name: change for change in CHANGES}
# These make another size, or leave little that can be compared pixel by pixel.
RESIZING = {"crop", "black border", "gray border", "white border", "resize", "aspect"}


def made(name: str, strength: float, seed: int = 7) -> np.ndarray:
    return changed(FILM, BY_NAME[name], strength, seed)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_every_strength_changes_the_film_and_stays_on_the_gray_scale(change: Change) -> None:
    assert len({*change.strengths}) == len(change.strengths) >= 2
    for strength in change.strengths:
        first, again = (changed(FILM, change, strength, 7) for _ in range(2))
        assert first.dtype == np.float32 and first.min() >= 0 and first.max() <= 1
        assert np.array_equal(first, again)
        assert first.shape != FILM.shape or np.abs(first - FILM).max() > 0.002


@pytest.mark.parametrize("name", sorted({*BY_NAME} - RESIZING))
def test_the_strengths_go_from_weak_to_strong(name: str) -> None:
    moved = [float(np.abs(made(name, strength) - FILM).mean()) for strength in BY_NAME[name].strengths]
    assert moved == sorted(moved) and moved[0] < moved[-1]


def test_a_change_leaves_the_film_it_was_given_alone() -> None:
    before = FILM.copy()
    for change in CHANGES:
        changed(FILM, change, change.strengths[-1], 1)
    assert np.array_equal(FILM, before)


def test_crop_keeps_the_middle_and_borders_keep_the_whole() -> None:
    assert np.array_equal(made("crop", 0.2), FILM[24:216, 20:180])
    for name, level in (("black border", 0.0), ("gray border", 0.5), ("white border", 1.0)):
        framed = made(name, 0.1)
        assert framed.shape == (288, 240) and np.array_equal(framed[24:264, 20:220], FILM)
        assert (framed[:24] == level).all() and (framed[:, -20:] == level).all()


def test_collimation_blackens_the_edges_only() -> None:
    shut = made("collimation", 0.1)
    assert (
        (shut[:24] == 0).all()
        and (shut[:, :20] == 0).all()
        and np.array_equal(shut[24:216, 20:180], FILM[24:216, 20:180])
    )


def test_rotation_turns_about_the_centre() -> None:
    spot = np.zeros((101, 101), dtype=np.float32)
    spot[50, 90] = 1
    row, column = np.unravel_index(changed(spot, BY_NAME["rotation"], 30, 1).argmax(), spot.shape)
    assert np.hypot(row - 50, column - 50) == pytest.approx(40, abs=1.5)
    assert abs(row - 50) == pytest.approx(20, abs=1.5)


def test_fewer_bits_leave_so_many_levels_and_resize_so_many_pixels() -> None:
    assert len(np.unique(made("fewer bits", 4))) <= 16 < len(np.unique(FILM))
    assert made("resize", 128).shape == (154, 128)
    assert np.array_equal(changed(FILM, BY_NAME["resize"], 400, 1), FILM)  # never enlarged


def test_a_film_of_few_pixels_is_never_cut_to_nothing() -> None:
    tiny = np.ones((3, 2), dtype=np.float32)
    for name in ("crop", "collimation"):
        assert changed(tiny, BY_NAME[name], 0.9, 1).size >= 1
