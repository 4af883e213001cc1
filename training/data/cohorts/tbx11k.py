"""TBX11K: 512 x 512 films of the healthy, of the sick without tuberculosis, and of tuberculosis with boxes.

Boxes are read from annotations/json (COCO, pixels of the 512 x 512 image); annotations/xml counts in pixels of films
that were not published. The labels of the published test part are withheld: its val part is what stays apart here. No
patients are named, so each film counts as one. The layout is known from public code that reads it, not from the data.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from training.data.cohorts.cohort import NOTHING, About, Box, Example, WrongLayout
from training.data.cohorts.layout import is_there, read_list, root_of, text_of, without_images

ABOUT = About(
    licence="not verified (others say CC BY 4.0); ask the authors before weights that learned from it are given away",
    citation="Liu et al.: Rethinking Computer-Aided Tuberculosis Diagnosis, CVPR 2020, 2646-2655",
    population="hospitals in China, 512 x 512 PNG; healthy, sick without tuberculosis, active and latent tuberculosis",
    findings=("tuberculosis",),
)
LAYOUT = (
    "TBX11K/imgs/{health,sick,tb}/*.png, lists/TBX11K_train.txt and lists/TBX11K_val.txt (tb/tb0003.png a line), "
    "annotations/json/TBX11K_trainval_only_tb.json (COCO)"
)
ANNOTATIONS = "annotations/json/TBX11K_trainval_only_tb.json"
FINDINGS = {"health": NOTHING, "sick": NOTHING, "tb": frozenset({"tuberculosis"})}
PARTS = {"train": "", "val": "test"}


def load(folder: Path) -> list[Example]:
    """Every film of the two lists that is there; films of other sets (imgs/extra) are left out."""
    lists = {part: f"lists/TBX11K_{part}.txt" for part in PARTS}
    root = root_of(folder, "TBX11K", holds=("imgs", *lists.values(), ANNOTATIONS))
    boxes = _boxes(root / ANNOTATIONS)
    examples = []
    for part, listed in lists.items():
        names = read_list(root / listed)
        strange = [name for name in names if name.split("/")[0] not in FINDINGS]
        if strange or not names:
            raise WrongLayout(
                f"{root / listed}: expected lines such as tb/tb0003.png, found {strange[0] if strange else 'none'}"
            )
        there = [name for name in names if is_there(root / "imgs" / name)]
        without_images(root / listed, sorted(set(names) - set(there)), len(names))
        examples += [_example(root, name, part, boxes.get(Path(name).stem, [])) for name in there]
    return examples


def _boxes(file: Path) -> dict[str, list[tuple[str, Box]]]:
    """Stem of an image -> kind of tuberculosis and box."""
    found: dict[str, list[tuple[str, Box]]] = defaultdict(list)
    try:
        coco = json.loads(text_of(file))
        kinds = {kind["id"]: kind["name"] for kind in coco["categories"]}
        stems = {image["id"]: Path(image["file_name"]).stem for image in coco["images"]}
        for one in coco["annotations"]:
            x, y, width, height = map(float, one["bbox"])
            found[stems[one["image_id"]]].append((kinds[one["category_id"]], (x, y, width, height)))
    except (ValueError, KeyError, TypeError) as error:
        raise WrongLayout(f"{file}: expected COCO annotations, found a file that is none: {error!r}") from error
    return found


def _example(root: Path, name: str, part: str, boxes: list[tuple[str, Box]]) -> Example:
    label = name.split("/")[0]
    return Example(
        path=root / "imgs" / name,
        cohort="tbx11k",
        label=label,
        findings=FINDINGS[label],
        split=PARTS[part],
        patient_id=f"tbx11k:{Path(name).stem}",
        boxes=tuple(box for _, box in boxes),
        box_findings=("tuberculosis",) * len(boxes),
        sublabel="|".join(sorted({kind for kind, _ in boxes})),
        part=part,
    )
