"""A folder laid out like the development radiographs, with drawn films: enough for a run of a few steps."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np

from converter.phantom.chest_sketch import sketch_chest

COLUMNS = ("path", "label", "sublabel", "split_suggested", "original_split", "patient_id", "view", "notes")
SPLIT_IMAGES = {"train": 12, "val": 24, "devtest": 4}


def draw_cohorts(folder: Path, *cohorts: str) -> Path:
    """`folder`/manifest.csv and its films; half of each split shows a clouded lung and is labelled PNEUMONIA."""
    rows: list[tuple[str, ...]] = []
    for cohort in cohorts:
        (folder / cohort).mkdir(parents=True)
        for split, images in SPLIT_IMAGES.items():
            for number in range(images):
                name, ill = f"{cohort}/{split}{number}.png", number % 2 == 0
                film = sketch_chest(64, 64, seed=number + len(rows), noise=0.02)
                if ill:
                    film[28:52, 36:54] = np.maximum(film[28:52, 36:54], 0.7)
                cv2.imwrite(str(folder / name), np.rint(film * 255).astype(np.uint8))
                label = "PNEUMONIA" if ill else "NORMAL"
                rows.append((name, label, "", split, split, f"{cohort}:{split}:{number}", "AP", ""))
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    return folder
