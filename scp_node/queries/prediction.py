"""What was found in one file, as the contract of `hilum predict --json` has it, and its heat maps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from converter.declined import Declined
from converter.package.manifest import Manifest
from converter.result.algorithm import algorithm_of
from converter.result.heatmap import Caption, draw_heatmap, to_png
from converter.words.catalogue import ENGLISH, Words
from scp_node.analysis.predictor import Prediction


@dataclass(frozen=True)
class PredictedFinding:
    """One judged score; code and scheme name the finding. place: where in the lungs, empty where that is not known."""

    name: str
    code: str
    scheme: str
    probability: float
    threshold: float
    positive: bool
    place: str


@dataclass(frozen=True)
class PredictedFile:
    """Names and order of the fields are the contract. `model` and `version` are those of the package."""

    file: str
    sop_instance_uid: str | None
    model: str
    version: str
    declined: Declined | None
    findings: tuple[PredictedFinding, ...]
    notes: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The record as JSON has it."""
        return asdict(self)


def predicted_file(manifest: Manifest, file: str, prediction: Prediction) -> PredictedFile:
    return PredictedFile(
        file=file,
        sop_instance_uid=prediction.sop_instance_uid,
        model=manifest.name,
        version=manifest.version,
        declined=prediction.declined,
        findings=tuple(
            PredictedFinding(
                finding.name,
                finding.concept.value,
                finding.concept.scheme,
                finding.probability,
                finding.threshold,
                finding.positive,
                "" if finding.place is None else finding.place.words,
            )
            for finding in prediction.findings
        ),
        notes=prediction.notes,
    )


def heatmap_pngs(
    manifest: Manifest, prediction: Prediction, side_max: int, say: Words = ENGLISH
) -> Iterator[tuple[str, bytes]]:
    """The name of each finding with its heat map as PNG; nothing of an image that was declined."""
    if prediction.converted is None or prediction.cam is None:
        return
    caption = Caption(algorithm_of(manifest), say=say)
    preview, affine = prediction.converted.preview, prediction.converted.preview_to_source
    for finding, cam in zip(prediction.findings, prediction.cam, strict=True):
        yield finding.name, to_png(draw_heatmap(preview, cam, finding, caption, affine, side_max, prediction.lungs))
