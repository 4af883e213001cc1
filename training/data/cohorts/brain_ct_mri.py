"""Brain tumour multimodal images (Kaggle): folders of CT and of MRI slices, each with Healthy and Tumor.

The folders' names are known from public code that reads them, not from the data. One of the two kinds is enough.
"""

from __future__ import annotations

from pathlib import Path

from training.data.cohorts.cohort import NOTHING, About, Example, WrongLayout
from training.data.cohorts.layout import found_in, images_in

ABOUT = About(
    licence="none that covers its sources (collected from several data sets): not to be shipped",
    citation="Brain tumor multimodal image (CT & MRI), Kaggle, murtozalikhon",
    population="collected pictures of brain CT and MRI slices, hospitals and patients unknown",
    findings=("brain-tumour",),
)
LAYOUT = "{Brain Tumor CT scan Images,Brain Tumor MRI images}/{Healthy,Tumor}/*.jpg"
MODALITIES = {"Brain Tumor CT scan Images": "CT", "Brain Tumor MRI images": "MR"}
FINDINGS = {"Healthy": NOTHING, "Tumor": frozenset({"brain-tumour"})}


def load(folder: Path) -> list[Example]:
    """Every slice; `sublabel` is the modality (CT, MR)."""
    root = (folder / "Dataset" if (folder / "Dataset").is_dir() else folder).absolute()
    there = [name for name in MODALITIES if (root / name).is_dir()]
    if not there:
        raise WrongLayout(f"{root}: expected {' or '.join(MODALITIES)}, found {found_in(root)}")
    return [
        Example(
            path=file,
            cohort="brain_ct_mri",
            label=label,
            findings=findings,
            split="",
            patient_id=f"brain-ct-mri:{MODALITIES[name]}/{label}/{file.stem}",
            sublabel=MODALITIES[name],
        )
        for name in there
        for label, findings in FINDINGS.items()
        for file in images_in(root / name / label)
    ]
