"""A film in memory gets the answer that a file with the same pixels would get."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from converter.analysis.analyse import analyse
from converter.analysis.policy import Policy
from converter.analysis.ports import FileDecoder
from converter.evaluation.shown import answer, enlarged, gray_values
from converter.image.gray_image import GrayImage
from converter.image.image_file import read_image
from converter.phantom.chest_sketch import sketch_chest
from tests.support.models.eyes import Seeing, blocks, brightness

CHEST = np.round(sketch_chest(300, 260) * 255).astype(np.uint8)
GRAY = np.asarray(CHEST / 255, dtype=np.float32)


def test_the_answer_is_that_of_the_same_film_in_a_file(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "film.png"), CHEST)
    model = Seeing(lambda gray: 30 * (blocks(gray) - 0.45))
    image = read_image(tmp_path / "film.png")
    assert isinstance(image, GrayImage)
    shown = answer(gray_values(image, 512), model)
    filed = analyse(
        tmp_path / "film.png", model, FileDecoder(), Policy("refuse", 320, 10**6, header_rules=False)
    ).analysed
    assert filed is not None and shown.refused == ""
    assert shown.probability[0] == pytest.approx(filed.findings[0].probability, abs=1e-5)
    assert np.abs(shown.cam - filed.cam).max() < 1e-3


def test_what_the_gate_refuses_keeps_the_answer_of_the_network() -> None:
    seen = answer(GRAY, Seeing(brightness(0.2), accepts=lambda gray: False))
    assert seen.refused == "gate-noise" and seen.probability[0] > 0.9


def test_what_the_node_would_not_show_to_the_model_is_told_and_shown_all_the_same() -> None:
    flat = answer(np.full((200, 200), 0.5, dtype=np.float32), Seeing(brightness(0.2)))
    tiny = answer(GRAY[::4, ::4], Seeing(brightness(0.2)))
    assert (flat.refused, tiny.refused) == ("implausible-blank", "implausible-tiny")
    assert flat.probability[0] > 0.9


def test_a_small_film_is_enlarged_and_a_large_one_is_not() -> None:
    small = GRAY[::4, ::4]
    large = enlarged(small, 256)
    assert large.shape == (295, 256) and answer(large, Seeing(brightness(0.2))).refused == ""
    assert enlarged(GRAY, 256).shape == CHEST.shape
