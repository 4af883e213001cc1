"""The graph that outlines lungs, cuts the frame and lays the map over the whole film. Needs the package onnx, and no
TensorFlow: the outline is the bright part of drawn films."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converter.image.model_input import normalise
from converter.package.network import InputSpec, Normalisation
from training.data.frame import Frame, cells_of, frame_of, framed
from training.learning.recipe import FrameRecipe

pytest.importorskip("onnx", reason="the package onnx is not installed (extra [training])")
onnxruntime = pytest.importorskip("onnxruntime")
from tests.support.models.outline import finding_graph, outline_graph, spot_graph  # noqa: E402
from training.lungs.attach import CELLS, FRAMED, MAP_SIDE, framed_graph, front_graph  # noqa: E402
from training.lungs.measure import dice_of, sheet, summary  # noqa: E402
from training.lungs.packaged import GRAPH, outlines, read_graph  # noqa: E402

SIDE, LOOKED_AT = 256, 80
LAYOUTS = ("NCHW", "NHWC")
LOOK = FrameRecipe(lungs=Path("lungs"), height=LOOKED_AT, width=LOOKED_AT).spec
Boxes = tuple[tuple[float, float, float, float], ...]
# Where the bright parts of a film lie: top, bottom, left, right as shares.
LUNGS: Boxes = ((0.2, 0.75, 0.15, 0.45), (0.2, 0.8, 0.55, 0.85))
ONE: Boxes = ((0.1, 0.6, 0.05, 0.5),)
AT_THE_EDGE: Boxes = ((0.0, 0.5, 0.4, 1.0),)
SMALL: Boxes = ((0.1, 0.6, 0.3, 0.63),)
NONE: Boxes = ((0.45, 0.55, 0.45, 0.55),)
FOUND = pytest.mark.parametrize("boxes", [LUNGS, ONE, AT_THE_EDGE], ids=["both", "one", "edge"])


def spec_of(layout: str) -> InputSpec:
    return InputSpec.model_validate(
        {"height": SIDE, "width": SIDE, "layout": layout, "normalisation": {"name": "centre-standardise"}}
    )


def film(boxes: Boxes, seed: int = 0) -> np.ndarray:
    """[256, 256]: gray values 0..1, bright in `boxes`, with noise of its own."""
    rng = np.random.default_rng(seed)
    gray = np.full((SIDE, SIDE), 0.2, np.float32)
    for top, bottom, left, right in boxes:
        gray[int(top * SIDE) : int(bottom * SIDE), int(left * SIDE) : int(right * SIDE)] = 0.7
    gray += cv2.GaussianBlur(rng.standard_normal(gray.shape, dtype=np.float32), (0, 0), 3) * np.float32(0.05)
    return np.clip(gray, 0, 1)


def inputs_of(layout: str, *films: np.ndarray) -> np.ndarray:
    spec = spec_of(layout)
    return np.expand_dims(np.stack([normalise(one, spec) for one in films]), 1 if layout == "NCHW" else -1)


@cache
def session(graph: bytes) -> Any:
    return onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])


def run(graph: bytes, inputs: np.ndarray) -> dict[str, np.ndarray]:
    opened = session(graph)
    names = [one.name for one in opened.get_outputs()]
    return dict(zip(names, opened.run(names, {opened.get_inputs()[0].name: inputs}), strict=True))


@cache
def front(layout: str, cells: int = 10) -> bytes:
    return front_graph(outline_graph(), spec_of(layout), LOOK, (cells, cells))


@cache
def serving(layout: str) -> bytes:
    return framed_graph(outline_graph(), spec_of(layout), LOOK, finding_graph(LOOKED_AT, 10))


# The front


def assert_like_the_rules(layout: str, *films: np.ndarray) -> list[Frame]:
    """What the graph makes of `films` is what frame.py and the converter make of them, by the same outlines."""
    inputs = inputs_of(layout, *films)
    made = run(front(layout), inputs)
    frames = []
    for number, lungs in enumerate(made["lungs"][:, 0]):
        frames.append(frame_of(lungs))
        gray = inputs[number].reshape(SIDE, SIDE)
        wanted = normalise(framed(gray, frames[-1], LOOKED_AT, LOOKED_AT), LOOK)
        np.testing.assert_allclose(made[FRAMED][number, 0], wanted, atol=2e-3)
        np.testing.assert_allclose(made[CELLS][number, 0], cells_of(lungs, frames[-1], 10, 10), atol=1e-3)
    return frames


@pytest.mark.parametrize("layout", LAYOUTS)
@FOUND
def test_a_found_frame_is_cut_as_the_rules_cut_it(boxes: Boxes, layout: str) -> None:
    (frame,) = assert_like_the_rules(layout, film(boxes))
    assert frame.found
    tops, bottoms, lefts, rights = zip(*boxes, strict=True)
    assert abs(frame.left - min(lefts)) < 0.09 and abs(frame.right - max(rights)) < 0.09
    assert abs(frame.top - min(tops)) < 0.09 and abs(frame.bottom - max(bottoms)) < 0.09


@pytest.mark.parametrize("layout", LAYOUTS)
def test_where_no_lungs_are_found_the_whole_film_is_looked_at(layout: str) -> None:
    (frame,) = assert_like_the_rules(layout, film(NONE))
    assert frame == Frame()
    made = run(front(layout), inputs_of(layout, film(NONE)))
    np.testing.assert_array_equal(made[CELLS], np.ones((1, 1, 10, 10)))


random_boxes = st.lists(st.tuples(*[st.floats(0, 1)] * 4), max_size=4).map(
    lambda many: tuple((*sorted(box[:2]), *sorted(box[2:])) for box in many)
)


@settings(max_examples=40, deadline=None)
@given(random_boxes, st.integers(0, 2**16), st.sampled_from(LAYOUTS))
def test_random_films_are_framed_as_the_rules_frame_them(boxes: Boxes, seed: int, layout: str) -> None:
    assert_like_the_rules(layout, film(boxes, seed))


@pytest.mark.parametrize("gray", [0.0, 0.5, 1.0])
def test_a_film_of_one_gray_has_finite_answers(gray: float) -> None:
    made = run(serving("NCHW"), inputs_of("NCHW", np.full((SIDE, SIDE), gray, np.float32)))
    assert all(np.isfinite(one).all() for one in made.values())


def test_outlines_are_those_of_the_film_as_the_branch_sees_it() -> None:
    films = [film(LUNGS), film(ONE, 3)]
    made = run(front("NCHW"), inputs_of("NCHW", *films))["lungs"][:, 0]
    stored = np.stack([np.round(one * 255).astype(np.uint8) for one in films])
    said = outlines(outline_graph(), stored)
    assert np.abs(made - said).mean() < 0.01
    assert ((made > 0.5) == (said > 0.5)).mean() > 0.99


# The whole graph


def frames_of(made: dict[str, np.ndarray]) -> list[Frame]:
    return [frame_of(lungs) for lungs in made["lungs"][:, 0]]


def cam_of(made: dict[str, np.ndarray], layout: str) -> np.ndarray:
    """[N, findings, 24, 24]"""
    return made["cam"] if layout == "NCHW" else np.moveaxis(made["cam"], -1, 1)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("boxes", [LUNGS, ONE, AT_THE_EDGE, NONE], ids=["both", "one", "edge", "none"])
def test_the_mean_of_the_map_over_the_film_is_the_logit(boxes: Boxes, layout: str) -> None:
    made = run(serving(layout), inputs_of(layout, film(boxes), film(boxes, 5)))
    cam = cam_of(made, layout)
    assert cam.shape == (2, 2, MAP_SIDE, MAP_SIDE) and made["probability"].shape == (2, 2)
    assert made["lungs"].shape == (2, 1, 64, 64) and made["lungs"].min() >= 0 and made["lungs"].max() <= 1
    assert np.abs(1 / (1 + np.exp(-cam.mean(axis=(2, 3)))) - made["probability"]).max() < 1e-5
    assert np.ptp(made["probability"]) > 0.001, "the findings differ"


@settings(max_examples=30, deadline=None)
@given(random_boxes, st.integers(0, 2**16))
def test_the_promise_holds_for_random_films(boxes: Boxes, seed: int) -> None:
    made = run(serving("NCHW"), inputs_of("NCHW", film(boxes, seed)))
    assert np.abs(1 / (1 + np.exp(-made["cam"].mean(axis=(2, 3)))) - made["probability"]).max() < 1e-5


def test_the_probability_is_what_the_finding_network_says_of_the_frame() -> None:
    inputs = inputs_of("NCHW", film(LUNGS), film(NONE, 2))
    made = run(front("NCHW"), inputs)
    finding = session(finding_graph(LOOKED_AT, 10))
    alone = finding.run(["probability"], {FRAMED: made[FRAMED], CELLS: made[CELLS]})[0]
    np.testing.assert_allclose(run(serving("NCHW"), inputs)["probability"], alone, atol=1e-6)


@FOUND
def test_the_map_is_nothing_outside_the_frame(boxes: Boxes) -> None:
    made = run(serving("NCHW"), inputs_of("NCHW", film(boxes)))
    (frame,) = frames_of(made)
    centres = (np.arange(MAP_SIDE) + 0.5) / MAP_SIDE
    rows, columns = (centres > frame.top) & (centres < frame.bottom), (centres > frame.left) & (centres < frame.right)
    inside = np.outer(rows, columns)
    assert 0 < inside.sum() < inside.size
    assert (made["cam"][:, :, ~inside] == 0).all()
    assert (np.abs(made["cam"][:, :, inside]) > 0).mean() > 0.9


@pytest.mark.parametrize("cells", [5, 10, 20])
@FOUND
def test_a_spot_of_the_frame_lies_where_it_was_seen(boxes: Boxes, cells: int) -> None:
    """Half a cell of the map at most off, for every place of the frame that has a cell of the map to itself."""
    inputs = inputs_of("NCHW", film(boxes))
    for row, column in ((0, 0), (cells // 2, cells // 3), (cells - 1, cells // 2), (cells // 3, cells - 1)):
        evidence = np.zeros((cells, cells), np.float32)
        evidence[row, column] = 9
        made = run(framed_graph(outline_graph(), spec_of("NCHW"), LOOK, spot_graph(LOOKED_AT, evidence)), inputs)
        (frame,) = frames_of(made)
        found = np.array(np.unravel_index(made["cam"][0, 0].argmax(), (MAP_SIDE, MAP_SIDE)))
        wanted = np.array(
            [
                frame.top + (row + 0.5) / cells * (frame.bottom - frame.top),
                frame.left + (column + 0.5) / cells * (frame.right - frame.left),
            ]
        )
        largest, off = made["cam"][0, 0].max(), np.abs((found + 0.5) / MAP_SIDE - wanted)
        assert largest > 2 * np.median(made["cam"][0, 0][made["cam"][0, 0] != 0]), "the spot is seen"
        half = 0.5 / MAP_SIDE + 1e-6
        # a coarser frame is nearest to several cells of the map at its outermost places, which are alike there
        at_the_rim = np.array([row in (0, cells - 1), column in (0, cells - 1)])
        sides = np.array([frame.bottom - frame.top, frame.right - frame.left])
        assert (off <= np.where(at_the_rim, half + 0.5 * sides / cells, half)).all()


def test_no_place_of_a_small_frame_is_lost_between_the_cells_of_the_map() -> None:
    inputs = inputs_of("NCHW", film(SMALL))
    (frame,) = frames_of(run(serving("NCHW"), inputs))
    assert frame.found and frame.right - frame.left < 0.42
    for column in range(3, 37):
        evidence = np.zeros((40, 40), np.float32)
        evidence[20, column] = 9
        graph = framed_graph(outline_graph(), spec_of("NCHW"), LOOK, spot_graph(LOOKED_AT, evidence))
        cam = run(graph, inputs)["cam"][0, 0]
        assert cam.max() > 3 * np.median(cam[cam != 0]), column


@pytest.mark.parametrize("layout", LAYOUTS)
def test_films_of_one_batch_have_each_the_answer_they_have_alone(layout: str) -> None:
    films = [film(boxes, number) for number, boxes in enumerate((LUNGS, NONE, ONE, AT_THE_EDGE))]
    together = run(serving(layout), inputs_of(layout, *films))
    assert len(set(frames_of(together))) == 4
    for number, one in enumerate(films):
        alone = run(serving(layout), inputs_of(layout, one))
        for name, values in alone.items():
            np.testing.assert_allclose(together[name][number], values[0], atol=1e-4)


def test_the_graph_is_the_same_bytes_each_time_and_one_for_serving() -> None:
    made = framed_graph(outline_graph(), spec_of("NCHW"), LOOK, finding_graph(LOOKED_AT, 10))
    assert made == serving("NCHW")
    assert [one.name for one in session(made).get_outputs()] == ["probability", "cam", "lungs"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"height": 100}, "at least"),
        ({"normalisation": Normalisation(name="centre-rank")}, "not the ranks of 'centre-rank'"),
    ],
)
def test_an_input_that_cannot_be_outlined_is_refused(changes: dict[str, object], told: str) -> None:
    spec = spec_of("NCHW").model_copy(update=changes)
    with pytest.raises(RuntimeError, match=told):
        front_graph(outline_graph(), spec, LOOK, (10, 10))


# Measures of outlines


def test_nothing_fitted_is_told(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"holds no fitted lungs .*training lungs fit"):
        read_graph(tmp_path)
    (tmp_path / GRAPH).write_bytes(b"graph")
    assert read_graph(tmp_path) == b"graph"


def test_an_outline_is_measured_by_the_area_it_shares() -> None:
    drawn = np.zeros((3, 160, 160), np.uint8)
    drawn[:2, 40:120, 40:120] = 255
    said = np.zeros((3, 64, 64), np.float32)
    said[0, 16:48, 16:48] = 1
    said[1, 16:48, 32:48] = 1
    found = dice_of(said, drawn)
    assert found[0] > 0.97 and found[1] == pytest.approx(2 / 3, abs=0.02) and found[2] == 0
    figures = summary(found)
    assert (figures.films, figures.least) == (3, 0.0) and figures.median == pytest.approx(found[1], abs=1e-4)


def test_a_sheet_shows_every_film_with_its_edge() -> None:
    films, said = np.full((12, 160, 160), 90, np.uint8), np.zeros((12, 64, 64), np.float32)
    said[:, 16:48, 16:48] = 1
    made = sheet(films, said, [f"{number}" for number in range(12)])
    assert made.shape == (256, 1280, 3)
    edge = (made[..., 2] == 255) & (made[..., 0] == 0) & (made[..., 1] == 60)
    tiles = [edge[row : row + 128, column : column + 128].any() for row in (0, 128) for column in range(0, 1280, 128)]
    assert tiles == [True] * 12 + [False] * 8
