"""Draws a folder as somebody with pictures of their own has it: computed chests, a folder for each of two classes.

    python -m tests.recipes.own_films FOLDER [NUMBER]

A file is called PATIENT_FILM.png; every second patient has two films.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from converter.phantom.chest_sketch import sketch_chest

SIDE, NUMBER = 320, 120
OPACITY = {"normal": 0.0, "pneumonia": 0.35}
OWN_FILMS = "my-films"
DESCRIBED = f"""name: {OWN_FILMS}
licence: drawn pictures
citation: tests/recipes/own_films.py
population: nobody
labels: {{normal: [], pneumonia: [pneumonia]}}
patient_pattern: "^([^_]+)_"
"""
# Films differ in large shades, as people do, and in fine noise; a thumbnail of 32 pixels still shows the former.
SHADES, SHADES_SIDE, NOISE = 0.08, 7, 0.04


def draw(folder: Path, number: int = NUMBER, side: int = SIDE) -> Path:
    """`number` films, as many of either class. No patient, no clinical meaning."""
    for offset, (label, opacity) in enumerate(OPACITY.items()):
        (folder / label).mkdir(parents=True, exist_ok=True)
        for n in range(number // 2):
            patient, film = (n // 3) * 2 + (n % 3 > 0), 1 + (n % 3 == 2)
            picture = chest(side, offset * number + n, opacity)
            cv2.imwrite(str(folder / label / f"{label[0]}{patient:03}_{film}.png"), picture)
    return folder


def draw_described(folder: Path, number: int, side: int) -> Path:
    """The same with cohort.yaml, as the cohort of config/training/own-data.yaml."""
    draw(folder, number, side)
    (folder / "cohort.yaml").write_text(DESCRIBED, encoding="utf-8")
    return folder


def chest(side: int, seed: int, opacity: float) -> np.ndarray:
    """uint8 [side, side], with a clouded spot of `opacity` somewhere in a lung."""
    random = np.random.default_rng(seed)
    shades = cv2.resize(
        random.normal(0, SHADES, (SHADES_SIDE, SHADES_SIDE)), (side, side), interpolation=cv2.INTER_CUBIC
    )
    spot = np.zeros((side, side))
    column = side * (random.choice([0.3, 0.7]) + random.normal(0, 0.02))
    row = side * random.uniform(0.35, 0.65)
    cv2.circle(spot, (round(column), round(row)), round(side * random.uniform(0.05, 0.1)), opacity, -1)
    film = sketch_chest(side, side, seed=seed, noise=NOISE) + shades + cv2.GaussianBlur(spot, (0, 0), side / 40)
    return np.rint(np.clip(film, 0, 1) * 255).astype(np.uint8)


if __name__ == "__main__":
    print(f"{draw(Path(sys.argv[1]), *map(int, sys.argv[2:]))}: drawn")
