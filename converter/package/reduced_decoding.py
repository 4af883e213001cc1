"""That JPEG 2000 may be decoded smaller for a model: the evidence, and its limits."""

from __future__ import annotations

from pydantic import Field

from converter.package.section import PackageSection, Sha256

REDUCED_AUC_TOLERANCE = 0.002

REDUCED_ECE_TOLERANCE = 0.005

REDUCED_IMAGES_MIN = 100


class ReducedCohort(PackageSection):
    """The same images of one cohort as JPEG 2000, decoded in full and reduced (python -m training evaluate)."""

    cohort: str
    split: str
    images: int = Field(ge=1)
    auc_full: float = Field(ge=0, le=1)
    auc_reduced: float = Field(ge=0, le=1)
    ece_full: float = Field(ge=0, le=1)
    ece_reduced: float = Field(ge=0, le=1)
    largest_change: float = Field(ge=0, le=1, description="of one image's probability")


class ReducedEvidence(PackageSection):
    """That reduced decoding of JPEG 2000 changes neither how well the model separates nor its calibration."""

    onnx_sha256: Sha256
    measured: str = Field(description="date")
    auc_tolerance: float = Field(ge=0, le=REDUCED_AUC_TOLERANCE)
    ece_tolerance: float = Field(ge=0, le=REDUCED_ECE_TOLERANCE)
    cohorts: tuple[ReducedCohort, ...] = Field(min_length=1)

    def problems(self, onnx_sha256: str) -> list[str]:
        """Why reduced decoding is not covered by this, as sentences; empty when it is."""
        found = [] if self.onnx_sha256 == onnx_sha256 else ["it was measured with other weights"]
        images = sum(one.images for one in self.cohorts)
        if images < REDUCED_IMAGES_MIN:
            found.append(f"it rests on {images} images, fewer than {REDUCED_IMAGES_MIN}")
        for one in self.cohorts:
            for name, full, reduced, tolerance in (
                ("AUC", one.auc_full, one.auc_reduced, self.auc_tolerance),
                ("ECE", one.ece_full, one.ece_reduced, self.ece_tolerance),
            ):
                if abs(reduced - full) > tolerance:
                    found.append(f"{name} on {one.cohort} is {reduced:.4f} instead of {full:.4f} (+-{tolerance:g})")
        return found
