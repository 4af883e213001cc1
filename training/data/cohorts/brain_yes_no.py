"""Brain MRI for tumour detection (Kaggle, N. Chakrabarty): folders yes and no, 253 pictures, no patients named."""

from __future__ import annotations

from pathlib import Path

from training.data.cohorts.cohort import NOTHING, About, Example
from training.data.cohorts.layout import images_in, root_of

ABOUT = About(
    licence="none stated: not to be shipped, nor weights that learned from it",
    citation="Chakrabarty: Brain MRI Images for Brain Tumor Detection, Kaggle 2019",
    population="collected pictures of brain MRI, sequence, plane and patient unknown; 155 yes, 98 no",
    findings=("brain-tumour",),
)
LAYOUT = "{yes,no}/*.jpg (also .png, .jpeg)"
FINDINGS = {"no": NOTHING, "yes": frozenset({"brain-tumour"})}


def load(folder: Path) -> list[Example]:
    """Every picture. Many are slices of one patient or copies: only the search for near-duplicates joins them."""
    root = root_of(folder, "brain_tumor_dataset", holds=tuple(FINDINGS))
    return [
        Example(file, "brain_yes_no", label, findings, split="", patient_id=f"brain-yes-no:{label}/{file.stem}")
        for label, findings in FINDINGS.items()
        for file in images_in(root / label)
    ]
