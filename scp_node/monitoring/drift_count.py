"""What one judged image adds to the counts of its sender: bins of scores and of image statistics."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pydicom import Dataset

from converter.analysis.outcome import Examined
from converter.image.header import tokens, word
from converter.package.distribution import Distribution
from converter.package.image_statistics import input_statistics
from converter.package.stability import bins_of_image, references
from scp_node.inference.loaded_models import LoadedModel
from scp_node.ledger import Transaction

# Not images of the sender, or no fault of its images.
NOT_COUNTED = frozenset({"own-result", "analysis-failed"})
PATIENT, PATIENT_CHARS_MIN = ("PatientName", "PatientID", "PatientBirthDate"), 3


@dataclass(frozen=True)
class DriftCount:
    """One image, ready to be counted in the transaction that enters its outcome."""

    model: str
    ae_title: str
    station: str
    bins: dict[str, int]
    sizes: dict[str, int]
    declined: str | None
    refused: bool

    def enter(self, tx: Transaction) -> None:
        tx.drift_counts.add_image(
            self.model,
            self.ae_title,
            self.station,
            bins=self.bins,
            sizes=self.sizes,
            declined=self.declined,
            refused=self.refused,
        )


def drift_count(
    model: LoadedModel | None,
    ae_title: str,
    ds: Dataset | None,
    steps: Collection[str],
    examined: Examined,
) -> DriftCount | None:
    """The count of one image, or None where it says nothing about its sender. One that was declined before the step
    `convert` was refused by its header, and its pixels were not looked at."""
    declined = examined.declined
    if model is None or ds is None or (declined is not None and declined.code in NOT_COUNTED):
        return None
    refused = declined is not None and "convert" not in steps
    reference = model.manifest.distribution
    bins = {} if refused or reference is None else _bins(reference, examined)
    sizes = {} if reference is None else {name: len(one.shares) for name, one in references(reference).items()}
    code = declined.code if declined is not None and not refused else None
    return DriftCount(model.label, ae_title, _station(ds), bins, sizes, code, refused)


def _station(ds: Dataset) -> str:
    """The Station Name, which becomes a label of metrics and a word in the log; nothing where somebody has written the
    patient into it."""
    name = word(ds, "StationName")
    patient = {part for keyword in PATIENT for part in tokens(word(ds, keyword)) if len(part) >= PATIENT_CHARS_MIN}
    return "" if patient & set(tokens(name)) else name


def _bins(reference: Distribution, examined: Examined) -> dict[str, int]:
    found = examined.analysed
    probability = None if found is None else {finding.name: finding.probability for finding in found.findings}
    statistics = None if examined.converted is None else input_statistics(examined.converted.preview)
    return bins_of_image(reference, probability, statistics)
