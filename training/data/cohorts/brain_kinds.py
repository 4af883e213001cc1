"""Which of three kinds of brain tumour: the T1 contrast MR slices of Cheng (figshare 1512427), listed in manifest.csv.

Every slice shows a tumour; there is none without. The copy at hand names no patients. Its order is that of the
publication, where the slices of one patient follow each other, and its splits are cut along that order, a patient's
width left out at each cut. So neighbours in the order stand for one patient here: nearly, not provably.
"""

from __future__ import annotations

import re
from pathlib import Path

from training.data.cohorts.cohort import About, Example, WrongLayout
from training.data.cohorts.layout import read_table, root_of

ABOUT = About(
    licence="CC BY 4.0",
    citation="Cheng: brain tumor dataset, figshare, doi 10.6084/m9.figshare.1512427; Cheng et al., PLoS ONE 10(10) "
    "e0140381 (2015)",
    population="233 patients with a brain tumour, two hospitals in China; slices of T1-weighted MR with contrast in "
    "three planes, 224 x 224",
    findings=("glioma", "meningioma", "pituitary-tumour"),
)
LAYOUT = "manifest.csv with the columns path, label (GLIOMA, MENINGIOMA, PITUITARY), split_suggested, notes (order N)"
TABLE = "manifest.csv"
COLUMNS = ("path", "label", "split_suggested", "notes")
FINDINGS = {
    "GLIOMA": frozenset({"glioma"}),
    "MENINGIOMA": frozenset({"meningioma"}),
    "PITUITARY": frozenset({"pituitary-tumour"}),
}
SPLITS = {"train": "train", "val": "val", "devtest": "devtest", "left out": "left-out"}
# 3,064 slices of 233 patients.
SLICES_OF_A_PATIENT = 13


def load(folder: Path) -> list[Example]:
    """Every slice, those between the splits as left out."""
    root = root_of(folder, holds=(TABLE,))
    return [_example(root, row) for row in read_table(root / TABLE, COLUMNS)]


def _example(root: Path, row: dict[str, str]) -> Example:
    label, split = row["label"], SPLITS.get(row["split_suggested"])
    order = re.match(r"order (\d+)", row["notes"])
    if label not in FINDINGS or split is None or order is None:
        raise WrongLayout(f"{root / TABLE}: expected {LAYOUT}, found {label}, {row['split_suggested']}, {row['notes']}")
    neighbours = int(order.group(1)) // SLICES_OF_A_PATIENT
    return Example(
        path=root / row["path"],
        cohort="brain_kinds",
        label=label,
        findings=FINDINGS[label],
        split=split,
        patient_id=f"cheng:{label.lower()}:{split}:{neighbours}",
    )
