"""Training films of a recipe with a frame: cut out as in service, moved with their lungs, changed beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converter.image.model_input import normalise
from tests.support.checkout import CONFIG
from tests.support.cohorts.examples import labelled
from training.data.frame import Frame, cells_of, frame_of, framed
from training.learning import framed as framed_films
from training.learning import tones
from training.learning.batches import NO_OPINION, Batch, BatchSource
from training.learning.framed import FramedFilm, OutlinedFilm, cells_near, framed_film
from training.learning.lung_changes import (
    NOT_THERE,
    THERE,
    UNKNOWN,
    places_of,
    with_opacity,
    with_other_background,
    without_lungs,
)
from training.learning.recipe import Augmentation, FrameRecipe, Recipe, load_recipe, with_values

SIDE, LOOKED_AT, CELLS = 128, 80, (10, 10)
RECIPE = load_recipe(CONFIG / "training" / "pneumonia-framed.yaml")
SEEDS = st.integers(0, 2**32 - 1)
# A film as it is: cut out, and nothing else.
STILL = Augmentation(
    gamma=0, contrast=0, rotation_degrees=0, zoom=(1, 1), aspect=1, shift=0, flip=0, blur=0, noise=0, cutout=0
)
MOVING = STILL.model_copy(
    update={"rotation_degrees": 15, "zoom": (0.8, 1.2), "aspect": 1.3, "shift": 0.06, "flip": 0.5}
)


def look(**shares: float) -> FrameRecipe:
    return FrameRecipe(lungs=Path("lungs"), height=LOOKED_AT, width=LOOKED_AT, **shares)


def lungs(*, left_only: bool = False) -> np.ndarray:
    """[64, 64]: two ellipses, the left one higher."""
    made = np.zeros((64, 64), np.float32)
    cv2.ellipse(made, (22, 30), (8, 17), 0, 0, 360, 1.0, -1)
    if not left_only:
        cv2.ellipse(made, (43, 33), (9, 19), 0, 0, 360, 1.0, -1)
    return made


def bright_lungs(outline: np.ndarray) -> OutlinedFilm:
    """A film whose lungs are bright and all else is dark."""
    return OutlinedFilm(
        cv2.resize(outline * 200, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR).astype(np.uint8) + 20, outline
    )


def noisy(seed: int) -> OutlinedFilm:
    """A film with every gray value, whose lungs are those of `lungs`."""
    rng = np.random.default_rng(seed)
    smooth = cv2.GaussianBlur(rng.random((SIDE, SIDE), np.float32), (0, 0), 4)
    return OutlinedFilm(np.round(stretched(smooth) * 255).astype(np.uint8), lungs())


def stretched(gray: np.ndarray) -> np.ndarray:
    """From 0 to 1."""
    low, high = gray.min(), gray.max()
    return np.asarray((gray - low) / (high - low), np.float32)


def gray_of(film: OutlinedFilm) -> np.ndarray:
    return np.asarray(film.image / 255, np.float32)


def made(seed: int, frame: FrameRecipe, moves: Augmentation, negative: bool = True) -> FramedFilm:
    return framed_film(noisy(seed), noisy(seed + 1), negative, frame, moves, CELLS, np.random.default_rng(seed))


@pytest.fixture
def believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every outline is believed."""
    monkeypatch.setattr(framed_films, "WHOLE_FILM", 0.0)


# Geometry


@pytest.mark.usefixtures("believed")
def test_a_film_that_nothing_happens_to_is_that_of_service() -> None:
    film = noisy(4)
    one = framed_film(film, film, False, look(), STILL, CELLS, np.random.default_rng(0))
    frame = frame_of(film.lungs)
    assert frame.found
    wanted = normalise(framed(gray_of(film), frame, LOOKED_AT, LOOKED_AT), look().spec)
    assert np.corrcoef(one.image.ravel(), wanted.ravel())[0, 1] > 0.99
    assert np.abs(one.image - wanted).mean() < 0.1
    assert np.abs(one.cells - cells_of(film.lungs, frame, *CELLS)).mean() < 0.12


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.booleans())
def test_lungs_and_image_move_together(seed: int, left_only: bool) -> None:
    """However a film is turned and moved, its bright parts are where the outline is, and cells count there."""
    film = bright_lungs(lungs(left_only=left_only))
    gray, outline, found = framed_films._cut_out(film, look(), MOVING, np.random.default_rng(seed))
    bright, inside = gray > 100 / 255, outline > 0.5
    # what is laid beside a film may be bright as well: what counts is near the lungs
    near = cv2.dilate(outline, np.ones((9, 9))) > 0.5
    both, either = (bright & inside).sum(), ((bright & near) | inside).sum()
    assert both / either > 0.9
    if found:
        counted = cv2.resize(cells_near(outline, CELLS), (LOOKED_AT, LOOKED_AT), interpolation=cv2.INTER_NEAREST)
        assert (counted[inside] > 0).all()


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_a_moved_frame_still_holds_most_of_the_lungs(seed: int) -> None:
    film = bright_lungs(lungs())
    _, outline, _ = framed_films._cut_out(film, look(), MOVING, np.random.default_rng(seed))
    assert 0.08 < (outline > 0.5).mean() < 0.75


def test_an_outline_is_not_believed_now_and_then_and_every_place_counts_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framed_films, "WHOLE_FILM", 1.0)
    one = made(3, look(opacity=1, lungs_removed=1, other_background=1), STILL)
    assert not one.opacity and not one.removed
    np.testing.assert_array_equal(one.cells, np.ones(CELLS))
    whole = normalise(framed(gray_of(noisy(3)), Frame(), LOOKED_AT, LOOKED_AT), look().spec)
    assert np.corrcoef(one.image.ravel(), whole.ravel())[0, 1] > 0.99


# What every film is

ALL = look(other_background=0.5, lungs_removed=0.3, opacity=0.6, places=0.5)


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.booleans())
def test_every_training_film_is_finite_and_says_what_it_is(seed: int, negative: bool) -> None:
    one = made(seed % 10**6, ALL, RECIPE.augmentation, negative)
    assert one.image.shape == (LOOKED_AT, LOOKED_AT) and one.image.dtype == np.float32
    assert np.isfinite(one.image).all() and np.abs(one.image).max() <= ALL.clip
    assert one.cells.shape == one.places.shape == CELLS and one.cells.dtype == one.places.dtype == np.float32
    assert (one.cells >= 0).all() and one.cells.mean() == pytest.approx(1, abs=1e-4)
    assert set(np.unique(one.places)) <= {0.0, 1.0, -1.0}
    assert not (one.opacity and (one.removed or not negative))
    if not negative or one.removed:
        assert (one.places == UNKNOWN).all(), "of a film that may show something no place is known"
    elif not one.opacity:
        assert (one.places == 0).all()


def test_the_same_seed_makes_the_same_film_and_another_one_another() -> None:
    first, again, other = (
        framed_film(noisy(1), noisy(2), True, ALL, RECIPE.augmentation, CELLS, np.random.default_rng(seed))
        for seed in (5, 5, 6)
    )
    for name in ("image", "cells", "places"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert not np.array_equal(first.image, other.image)


@pytest.mark.usefixtures("believed")
def test_the_shares_of_a_recipe_are_kept() -> None:
    many = [made(seed, look(lungs_removed=0.25, opacity=0.5), STILL) for seed in range(400)]
    removed, drawn = (sum(getattr(one, name) for one in many) / len(many) for name in ("removed", "opacity"))
    assert removed == pytest.approx(0.25, abs=0.06)
    assert drawn == pytest.approx(0.5 * 0.75, abs=0.07)


@pytest.mark.usefixtures("believed")
def test_a_drawn_opacity_brightens_where_its_places_say() -> None:
    film, brighter, seen = noisy(8), [], 0
    plain = framed_film(film, film, True, look(), STILL, CELLS, np.random.default_rng(0)).image
    for seed in range(40):
        one = framed_film(film, film, True, look(opacity=1), STILL, CELLS, np.random.default_rng(seed))
        assert one.opacity
        change = cv2.resize(one.image - plain, CELLS, interpolation=cv2.INTER_AREA)
        if (one.places == 1).any() and (one.places == 0).any():
            seen += 1
            brighter.append(change[one.places == 1].mean() - change[one.places == 0].mean())
            assert (one.cells[one.places == 1] > 0).all(), "where an opacity is, places count"
    assert seen > 15 and np.mean(np.array(brighter) > 0) > 0.9


# What is changed beside the lungs


def gray_and_lungs(seed: int, black: bool = False) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    gray = cv2.GaussianBlur(rng.random((LOOKED_AT, LOOKED_AT), np.float32), (0, 0), 2)
    gray = stretched(gray)
    outline = (cv2.resize(lungs(), (LOOKED_AT, LOOKED_AT)) > 0.5).astype(np.float32)
    return gray * np.float32(0 if black else 1), outline


def inner(outline: np.ndarray, pixels: int = 9) -> np.ndarray:
    return cv2.erode(outline, np.ones((pixels, pixels))) > 0.5


def outer(outline: np.ndarray, pixels: int = 25) -> np.ndarray:
    return cv2.dilate(outline, np.ones((pixels, pixels))) < 0.5


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.booleans())
def test_another_background_leaves_the_lungs_and_nothing_else(seed: int, black: bool) -> None:
    gray, outline = gray_and_lungs(seed, black)
    other, _ = gray_and_lungs(seed ^ 1)
    changed = with_other_background(gray, outline, other, np.random.default_rng(seed))
    assert changed.shape == gray.shape and changed.dtype == np.float32
    assert np.isfinite(changed).all() and changed.min() >= 0 and changed.max() <= 1
    np.testing.assert_allclose(changed[inner(outline)], gray[inner(outline)], atol=0.02)
    if not black:
        beside = outer(outline)
        assert abs(np.corrcoef(changed[beside], other[beside])[0, 1]) > 0.95
        assert abs(changed[beside].mean() - gray[beside].mean()) < 0.15, "as bright as it was"


def test_black_lungs_in_a_white_body_have_a_tone() -> None:
    """Rounding must not take a gray value below 0, where no power of it is a number."""
    outline = np.zeros((LOOKED_AT, LOOKED_AT), np.float32)
    outline[10:70, 10:70] = 1
    white = np.ones_like(outline)
    white[::2] = 0.9
    for seed in range(20):
        rng = np.random.default_rng(seed)
        mixed = with_other_background(1 - outline, outline, white, rng)
        assert mixed.min() >= 0 and np.isfinite(tones.change_tone(mixed, rng)).all()


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_nothing_is_left_of_lungs_that_are_removed(seed: int) -> None:
    """The same paint comes out whatever the lungs showed; a blur alone keeps a trace of how bright they were."""
    gray, outline = gray_and_lungs(seed)
    inside = inner(outline)
    first = without_lungs(gray, outline, np.random.default_rng(seed))
    detailed = gray.copy()
    detailed[inside] = gray[inside][::-1]
    second = without_lungs(detailed, outline, np.random.default_rng(seed))
    for changed in (first, second):
        assert changed.dtype == np.float32 and np.isfinite(changed).all()
        assert changed.min() >= 0 and changed.max() <= 1
    np.testing.assert_allclose(first[inside], second[inside], atol=0.06)
    beside = outer(outline)
    np.testing.assert_allclose(first[beside], gray[beside], atol=0.02)


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_an_opacity_lies_in_the_lungs_and_only_brightens(seed: int) -> None:
    gray, outline = gray_and_lungs(seed)
    changed, filled = with_opacity(gray, outline, np.random.default_rng(seed))
    assert changed.dtype == filled.dtype == np.float32 and changed.shape == filled.shape == gray.shape
    assert np.isfinite(changed).all() and changed.min() >= 0 and changed.max() <= 1
    assert filled.min() >= 0 and filled.max() <= 1
    assert (changed >= gray - 1e-6).all() and (changed > gray).any()
    np.testing.assert_allclose(filled[outer(outline)], 0, atol=0.01)
    np.testing.assert_allclose(changed[outer(outline)], gray[outer(outline)], atol=0.01)


@pytest.mark.parametrize("change", [with_other_background, without_lungs, with_opacity])
def test_a_film_without_an_outline_is_no_surprise(change: Callable[..., object]) -> None:
    gray, _ = gray_and_lungs(2)
    others = (gray,) if change is with_other_background else ()
    result = change(gray, np.zeros_like(gray), *others, np.random.default_rng(0))
    changed = result[0] if isinstance(result, tuple) else result
    assert isinstance(changed, np.ndarray) and np.isfinite(changed).all() and changed.min() >= 0 and changed.max() <= 1


def test_places_are_there_absent_or_unknown_by_how_much_is_filled() -> None:
    filled = np.repeat(np.repeat(np.array([[0, 0.05, 0.3], [0.39, 0.4, 1]], np.float32), 8, 0), 8, 1)
    wanted = [[0, 0, UNKNOWN], [UNKNOWN, 1, 1]]
    assert (THERE, NOT_THERE) == (0.4, 0.1)
    np.testing.assert_array_equal(places_of(filled, 2, 3), wanted)


# Tones

TONES = [tones.change_tone, tones._exposed, *tones.LOCAL, *tones.LOSSES]


@pytest.mark.parametrize("change", TONES, ids=lambda one: one.__name__)
@pytest.mark.parametrize("shape", [(160, 160), (64, 96), (200, 130)], ids=str)
def test_every_tone_keeps_shape_type_and_bounds(
    change: Callable[[np.ndarray, np.random.Generator], np.ndarray], shape: tuple[int, int]
) -> None:
    for seed in range(12):
        rng = np.random.default_rng(seed)
        gray = cv2.resize(rng.random((20, 20), np.float32), shape[::-1], interpolation=cv2.INTER_LINEAR)
        for film in (gray, np.zeros_like(gray), np.ones_like(gray), np.round(gray)):
            changed = change(film, np.random.default_rng(seed))
            assert changed.shape == film.shape and changed.dtype == np.float32 and np.isfinite(changed).all()
            overshoot = 0.4 if change is tones.reduced else 1e-5  # cubic, and cut off by change_tone
            assert changed.min() >= -overshoot and changed.max() <= 1 + overshoot


@pytest.mark.parametrize("change", TONES, ids=lambda one: one.__name__)
def test_the_same_seed_gives_the_same_tone_and_leaves_the_film_alone(
    change: Callable[[np.ndarray, np.random.Generator], np.ndarray],
) -> None:
    gray = gray_of(noisy(1))
    before = gray.copy()
    first, again = (change(gray, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(gray, before)


def test_every_tone_comes_up_and_the_film_stays_one() -> None:
    """A change of tone is told from none, and what is brighter mostly stays so."""
    gray = gray_of(noisy(2))
    alike = [
        np.corrcoef(gray.ravel(), tones.change_tone(gray, np.random.default_rng(seed)).ravel())[0, 1]
        for seed in range(60)
    ]
    assert min(alike) > 0.5 and np.median(alike) < 0.9999


# Batches


def source(recipe: Recipe, positive: Sequence[bool]) -> BatchSource:
    examples = [labelled(Path(f"{n}"), "nih512", one, "train", f"{n}") for n, one in enumerate(positive)]
    films = np.stack([noisy(number).image for number in range(len(positive))])
    return BatchSource(recipe, examples, films, None, np.stack([lungs()] * len(positive)))


def recipe_of(**shares: float) -> Recipe:
    return with_values(
        RECIPE,
        {
            "cohorts": {"nih512": {"per_class": 20, "label_smoothing": 0.2}},
            "operating_point.decided_on": ["nih512"],
            "operating_point.guarded": ["nih512"],
            **{f"frame.{name}": share for name, share in shares.items()},
        },
    )


def drawn(**shares: float) -> Batch:
    return source(recipe_of(**shares), [False, True] * 6).batch(3)


@pytest.mark.usefixtures("believed")
def test_an_opacity_makes_a_healthy_film_one_with_a_finding() -> None:
    plain, changed = drawn(opacity=0, lungs_removed=0), drawn(opacity=1, lungs_removed=0)
    assert sorted(np.unique(plain.targets)) == pytest.approx([0.1, 0.9])
    np.testing.assert_allclose(changed.targets, 0.9, atol=1e-6)
    assert changed.places is not None and (changed.places == 1).any()
    assert (
        changed.cells is not None
        and changed.cells.shape == (40, 10, 10, 1)
        and changed.images.shape == (40, 160, 160, 1)
    )


@pytest.mark.usefixtures("believed")
def test_films_without_lungs_have_no_answer() -> None:
    batch = drawn(opacity=1, lungs_removed=1)
    assert np.unique(batch.targets) == pytest.approx([NO_OPINION])
    assert batch.places is not None and (batch.places == UNKNOWN).all()


def test_a_batch_is_the_same_each_time() -> None:
    first, again = drawn(), drawn()
    for name in ("images", "targets", "weights", "cells", "places"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
