"""Drawn films in the layout of HILUM_DATA/cxr: two collections of children with outlines of their lungs, and adults of
three collections, so that a judgement has something to judge."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.phantom.chest_sketch import sketch_chest

COLUMNS = "path,label,sublabel,split_suggested,original_split,patient_id,view,notes,source,licence"
SIDE = 160
Gray = NDArray[np.float64]


def drawn_lungs(rows: int = SIDE, columns: int = SIDE) -> NDArray[np.bool_]:
    """Two ovals where the lungs of `sketch_chest` are."""
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    left, right = (((x - side * 0.43) / 0.28) ** 2 + ((y + 0.1) / 0.6) ** 2 < 1 for side in (-1, 1))
    return np.asarray(left | right)


def ill(film: Gray) -> Gray:
    """An opacity in the lung on the left of the picture."""
    y, x = np.mgrid[-1 : 1 : film.shape[0] * 1j, -1 : 1 : film.shape[1] * 1j]
    return np.asarray(film + 0.5 * np.exp(-0.5 * (((x + 0.43) / 0.15) ** 2 + (y / 0.25) ** 2)))


def draw_collections(
    data: Path,
    of_a_class: int = 14,
    sick: Callable[[Gray], Gray] = ill,
    collected: Callable[[Gray], Gray] = lambda x: x,
) -> Path:
    """`sick`: what disease does to a film. `collected`: what the healthy films of nih512 have been through."""
    rows = {"": [COLUMNS], "nih64": [COLUMNS], "rsna256": [COLUMNS]}
    masks = ["path,mask,split_suggested"]
    for cohort, splits in (
        ("kermany512", ("devtest",)),
        ("kermany224", ("devtest",)),
        ("nih512", ("train", "val", "devtest")),
        ("nih64", ("train", "val", "devtest")),
        ("rsna256", ("train", "val", "devtest")),
    ):
        adults = cohort in ("nih512", "nih64", "rsna256")
        for split in splits:
            for n in range(of_a_class * (1 if cohort in ("nih64", "rsna256") else 2)):
                positive = n % 2 == 0 and cohort not in ("nih64", "rsna256")
                film = sketch_chest(SIDE, SIDE, seed=n + 100 * (splits.index(split) + 3 * len(cohort)), noise=0.02)
                film = sick(film) if positive else collected(film) if cohort == "nih512" else film
                label = "PNEUMONIA" if positive else "NORMAL"
                # the same film has the same name in both collections of children
                name = f"{cohort}/{label}/{'224' if cohort == 'kermany224' else ''}{split}-{n}.png"
                _write(data / name, film, 64 if cohort == "nih64" else SIDE)
                view = "AP" if not adults or n % 4 < 2 else "PA"
                about = f"age {30 + n} sex {'MF'[n % 3 == 0]}" if adults and cohort != "rsna256" else ""
                table = rows.get(cohort, rows[""])
                table.append(f"{name},{label},,{split},none,{cohort}:{split}-{n},{view},{about},drawn,none")
                if cohort == "kermany224":
                    masks.append(f"{name},lungmasks224/{split}-{n}.png,{split}")
                    _write(data / f"lungmasks224/{split}-{n}.png", drawn_lungs().astype(np.float64), SIDE)
    for cohort, table in rows.items():
        file = data / cohort / "manifest_rows.csv" if cohort else data / "manifest.csv"
        file.write_text("\n".join(table) + "\n", encoding="utf-8")
    (data / "lungmasks224" / "masks.csv").write_text("\n".join(masks) + "\n", encoding="utf-8")
    return data


def _write(path: Path, gray: Gray, side: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    small = cv2.resize(np.clip(gray, 0, 1), (side, side), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(path), np.round(np.asarray(small) * 255).astype(np.uint8))
