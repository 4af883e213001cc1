"""What a package says of labelled examples: gate, several findings, boxes; the same from either layout of the graph."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from converter.phantom.chest_sketch import sketch_chest
from tests.support.models.tiny_model import TINY, TINY_GATED, TINY_NHWC

pytest.importorskip("onnxruntime")
from training.data.cohorts import Example
from training.judging.judge_package import CohortFolder, judge_examples
from training.packaging.graph_model import open_package

SIDE = 192


def example(folder: Path, name: str, gray: np.ndarray, *findings: str) -> Example:
    path = folder / f"{name}.png"
    cv2.imwrite(str(path), np.rint(np.clip(gray, 0, 1) * 255).astype(np.uint8))
    return Example(path, "made", "", frozenset(findings), "devtest", f"made:{name}", "AP", 40.0, "F")


@pytest.fixture
def films(tmp_path: Path) -> list[Example]:
    chest = sketch_chest(SIDE, SIDE)
    return [
        example(tmp_path, "bright", 0.5 + chest / 2, "bright"),
        example(tmp_path, "dark", chest / 4, "dark"),
        example(tmp_path, "blank", np.full((SIDE, SIDE), 0.5)),
    ]


def test_every_example_is_a_case_in_the_order_given(films: list[Example], tmp_path: Path) -> None:
    cases = judge_examples(open_package(TINY), films, {"made": CohortFolder(tmp_path, ("bright", "dark"))})
    bright, dark, blank = cases
    assert [case.name for case in cases] == ["made: bright.png", "made: dark.png", "made: blank.png"]
    assert bright.truth == {"bright": True, "dark": False}
    assert bright.probability["bright"] > dark.probability["bright"]
    assert dark.probability["dark"] > bright.probability["dark"]
    assert (bright.patient, bright.view, bright.sex, bright.age_years) == ("made:bright", "AP", "F", 40)
    assert blank.declined is not None and blank.declined.code == "implausible-blank" and blank.probability == {}


def test_both_layouts_of_a_graph_say_the_same(films: list[Example], tmp_path: Path) -> None:
    sources = {"made": CohortFolder(tmp_path, ("bright",))}
    boxed = [replace(films[0], boxes=((0, 0, SIDE, SIDE / 2),))]
    first, last = (judge_examples(open_package(folder), boxed, sources)[0] for folder in (TINY, TINY_NHWC))
    assert first.probability == pytest.approx(last.probability)
    assert first.localised == last.localised


def test_a_finding_that_the_cohort_is_not_labelled_for_has_no_answer(films: list[Example], tmp_path: Path) -> None:
    (case,) = judge_examples(open_package(TINY), films[:1], {"made": CohortFolder(tmp_path, ("bright",))})
    assert case.truth == {"bright": True} and set(case.probability) == {"bright", "dark"}


def test_what_the_gate_refuses_is_declined_with_its_code(films: list[Example], tmp_path: Path) -> None:
    bright, dark, _ = judge_examples(
        open_package(TINY_GATED), films, {"made": CohortFolder(tmp_path, ("bright", "dark"))}
    )
    assert bright.declined is None
    assert dark.declined is not None and dark.declined.code in ("gate-picture", "gate-noise")


def test_a_file_that_is_no_image_ends_the_program_by_its_name(films: list[Example], tmp_path: Path) -> None:
    films[1].path.write_bytes(films[1].path.read_bytes()[:200])
    with pytest.raises(SystemExit, match=r"dark\.png: "):
        judge_examples(open_package(TINY), films, {"made": CohortFolder(tmp_path, ("bright", "dark"))})


def test_the_map_is_held_against_the_boxes_of_its_own_finding(tmp_path: Path) -> None:
    """The upper half is bright, so is the map of "bright"; boxes are pixels of the stored image."""
    gray = np.where(np.arange(SIDE)[:, np.newaxis] < SIDE / 2, 0.95, 0.03) * np.ones((SIDE, SIDE))
    gray += 0.02 * np.random.default_rng(1).random((SIDE, SIDE))
    upper, lower = (0.0, 0.0, float(SIDE), SIDE / 2), (0.0, SIDE / 2, float(SIDE), SIDE / 2)
    boxed = replace(
        example(tmp_path, "halves", gray, "bright", "dark"), boxes=(upper, lower), box_findings=("bright", "dark")
    )
    (case,) = judge_examples(open_package(TINY), [boxed], {"made": CohortFolder(tmp_path, ("bright", "dark"))})
    assert case.localised["bright"].pointed and case.localised["dark"].pointed
    assert case.localised["bright"].energy > 0.8
    assert case.localised["bright"].area == pytest.approx(0.5, abs=0.01)
    wrong = replace(boxed, box_findings=("dark", "bright"))
    (case,) = judge_examples(open_package(TINY), [wrong], {"made": CohortFolder(tmp_path, ("bright", "dark"))})
    assert not case.localised["bright"].pointed and not case.localised["dark"].pointed
