"""Brain Tumor MRI Dataset (Kaggle): Training and Testing x glioma, meningioma, notumor, pituitary.

An earlier collection with the same parts names the folders glioma_tumor, meningioma_tumor, no_tumor, pituitary_tumor;
both are read. No patients are named, and the slices of one patient are known to lie in both parts where they come from
one source: figures on Testing are too good for that reason. Films joined with Testing by the search for near-duplicates
are left out of learning.
"""

from __future__ import annotations

from pathlib import Path

from training.data.cohorts.cohort import NOTHING, About, Example, WrongLayout
from training.data.cohorts.layout import found_in, images_in, root_of

ABOUT = About(
    licence="none that covers its three sources (figshare CC BY 4.0, SARTAJ and Br35H not stated): not to be shipped",
    citation="Nickparvar: Brain Tumor MRI Dataset, Kaggle 2021; Cheng, figshare 1512427; Bhuvaji et al.; Hamada: Br35H",
    population="brain MRI slices, T1 with contrast for the tumours of one source, others unknown; two hospitals in "
    "China and collected pictures",
    findings=("brain-tumour", "glioma", "meningioma", "pituitary-tumour"),
)
LAYOUT = "{Training,Testing}/{glioma,meningioma,notumor,pituitary}/*.jpg (or glioma_tumor, ..., no_tumor)"
FINDINGS = {
    "glioma": frozenset({"brain-tumour", "glioma"}),
    "meningioma": frozenset({"brain-tumour", "meningioma"}),
    "notumor": NOTHING,
    "pituitary": frozenset({"brain-tumour", "pituitary-tumour"}),
}
EARLIER_NAMES = {
    "glioma": "glioma_tumor",
    "meningioma": "meningioma_tumor",
    "notumor": "no_tumor",
    "pituitary": "pituitary_tumor",
}
PARTS = {"Training": "", "Testing": "test"}


def load(folder: Path) -> list[Example]:
    """Every slice; Testing stays apart."""
    root = root_of(folder, holds=tuple(PARTS))
    return [example for part in PARTS for label in FINDINGS for example in _slices(root / part, label)]


def _slices(part: Path, label: str) -> list[Example]:
    folder = next((part / name for name in (label, EARLIER_NAMES[label]) if (part / name).is_dir()), None)
    if folder is None:
        raise WrongLayout(f"{part}: expected the folders {', '.join(FINDINGS)}, found {found_in(part)}")
    return [
        Example(
            path=file,
            cohort="brain_classes",
            label=label,
            findings=FINDINGS[label],
            split=PARTS[part.name],
            patient_id=f"brain-classes:{part.name}/{label}/{file.stem}",
            part=part.name,
        )
        for file in images_in(folder)
    ]
