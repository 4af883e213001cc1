"""Which films of a site are changed, and what is kept of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from converter.evaluation.labels import Label
from scp_node.analysis.changed_films import KeptFilms, changed_films, films_to_change
from scp_node.analysis.labelled_images import LabelledImage
from scp_node.inference.packages import open_package
from tests.support.models.tiny_model import TINY


def image(number: int, present: bool | None) -> LabelledImage:
    truth = {} if present is None else {"bright": present}
    return LabelledImage(Path(f"{number}.png"), Label(number, f"{number}.png", "", truth, f"p{number}"))


def test_both_classes_are_taken_alike_and_unanswered_ones_not() -> None:
    images = [image(n, n % 4 == 0) for n in range(80)] + [image(90, None)]
    chosen = films_to_change(images, "bright", 24)
    with_it = [path for path in chosen if int(path.stem) % 4 == 0]
    assert len(chosen) == len({*chosen}) == 24 and len(with_it) == 12 and Path("90.png") not in chosen
    assert {int(path.stem) for path in with_it} >= {0, 76}  # from the first to the last


def test_the_larger_class_fills_up_what_the_smaller_one_lacks() -> None:
    images = [image(n, n < 3) for n in range(40)]
    chosen = films_to_change(images, "bright", 24)
    assert len(chosen) == 24 and sum(int(path.stem) < 3 for path in chosen) == 3
    assert films_to_change(images, "bright", 0) == []
    assert len(films_to_change(images[3:], "bright", 100)) == 37


def test_only_chosen_films_are_kept_and_none_larger_than_needed() -> None:
    images = [image(0, True), image(1, False)]
    kept = KeptFilms([images[0].path])
    for one in images:
        kept.keep(one.path, np.full((1000, 800), 128, dtype=np.uint8))
    ((found, gray),) = kept.of(images)
    assert found is images[0] and gray.shape == (512, 410) and abs(float(gray.mean()) - 128 / 255) < 1e-6


def test_without_films_nothing_is_loaded_or_told() -> None:
    assert changed_films(open_package(TINY), [], "this site") == []
