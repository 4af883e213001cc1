"""Why an image is not analysed: one row for every coded reason. A refusal is a result, not an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# Where a reason is found: in the header, in the pixels, by the input gate of a model or by its outline of the lungs, or
# by the node itself.
DeclineGroup = Literal["header", "pixels", "gate", "lungs", "node"]


@dataclass(frozen=True)
class DeclineReason:
    """code: what ledger, log, metrics and results say, at most 32 characters. sentence: for a reader of a result.
    advice: what an operator can do, empty where there is nothing to do."""

    code: str
    group: DeclineGroup
    sentence: str
    advice: str = ""


OTHER_PATIENT = "other-patient"
ROUTE_ONLY = "If such images are not meant for this node, let the sender route fewer."
LOOK_AT_IT = "Look at the image in the archive: exposure or window may be wrong."
GATE_MISTAKEN = "If the image is one that the model was made for, `hilum predict --no-gate` scores it all the same."

DECLINE_REASONS: tuple[DeclineReason, ...] = (
    DeclineReason("wrong-modality", "header", "the Modality is none that the model was made for", ROUTE_ONLY),
    DeclineReason(
        "wrong-body-part",
        "header",
        "the body part is not the one that the model was made for",
        "If the image shows a chest, correct Body Part Examined at the modality.",
    ),
    DeclineReason(
        "not-frontal",
        "header",
        "the view is lateral or oblique",
        "If the image is frontal, correct View Position at the modality.",
    ),
    DeclineReason(
        "wrong-view",
        "header",
        "the view is frontal, but not one that the model or the route takes",
        "Compare `when.view` of the route with the views that `hilum models show` lists.",
    ),
    DeclineReason(
        "outside-ages",
        "header",
        "the patient's age is outside the range the model was made for",
        "`hilum models show` lists the ages, and the model's card says why. Let the sender route fewer.",
    ),
    DeclineReason("localizer", "header", "a localizer (scout) image", ROUTE_ONLY),
    # The header says so, or the pixels do: a picture in colours.
    DeclineReason(
        "derived",
        "header",
        "a derived image (processed, annotated or reformatted), not a radiograph as acquired",
        ROUTE_ONLY,
    ),
    DeclineReason(
        "no-pixels", "header", "the object carries no pixel data", "Send the image again from where it was acquired."
    ),
    DeclineReason(
        "own-result",
        "header",
        "a result of this node that came back from the archive",
        "Exclude the results of this node from what the archive routes to it.",
    ),
    DeclineReason(
        "undecodable",
        "pixels",
        "the pixel data cannot be decoded",
        "`hilum explain` names the fault. Send the image again, uncompressed if it fails a second time.",
    ),
    DeclineReason("implausible-blank", "pixels", "the image is blank or nearly so", LOOK_AT_IT),
    DeclineReason("implausible-tiny", "pixels", "the image is too small to be a radiograph", ROUTE_ONLY),
    DeclineReason(
        "implausible-saturated",
        "pixels",
        "most of the image is at the darkest or brightest level",
        LOOK_AT_IT,
    ),
    DeclineReason("gate-lateral", "gate", "the input gate took the image for a lateral view of a chest", GATE_MISTAKEN),
    DeclineReason(
        "gate-not-chest",
        "gate",
        "the input gate took the image for a radiograph of something else than a chest",
        GATE_MISTAKEN,
    ),
    DeclineReason(
        "gate-modality",
        "gate",
        "the input gate took the image for one of another modality than the model was made for, or of another slice",
        GATE_MISTAKEN,
    ),
    DeclineReason(
        "gate-picture",
        "gate",
        "the input gate took the image for a photograph, a drawing or a document",
        GATE_MISTAKEN,
    ),
    DeclineReason(
        "gate-noise", "gate", "the input gate took the image for noise, a pattern or an empty frame", GATE_MISTAKEN
    ),
    DeclineReason(
        "gate-inverted",
        "gate",
        "the input gate took black and white of the image to be exchanged",
        "Compare Photometric Interpretation and the presentation LUT with how the image looks.",
    ),
    DeclineReason(
        "gate-rotated",
        "gate",
        "the input gate took the image to lie on its side or upside down",
        "If Patient Orientation is wrong or absent, correct it at the modality.",
    ),
    DeclineReason(
        "gate-cropped", "gate", "the input gate took the image for a part of what it should show", GATE_MISTAKEN
    ),
    DeclineReason(
        "gate-quality",
        "gate",
        "the input gate found the image too noisy, blurred, dark or bright to be read",
        LOOK_AT_IT,
    ),
    DeclineReason(
        "lungs-not-whole",
        "lungs",
        "the film shows a part of the lungs only: they leave it at an edge, or it has one half of them",
        "If it was cropped, send the whole film. If it shows both lungs whole, `hilum predict --no-gate` scores it all "
        "the same.",
    ),
    DeclineReason(
        "analysis-failed",
        "node",
        "the analysis itself failed, through no fault of the image",
        "`hilum jobs list` names the error. Remove its cause, then `hilum jobs retry`.",
    ),
    DeclineReason(
        OTHER_PATIENT,
        "node",
        "the image names another patient than most images of its study, or none, and was left out of their report",
        "Correct patient or study of the image in the archive, and send it again.",
    ),
    DeclineReason(
        "no-route",
        "node",
        "no route of this node takes images of this kind",
        "Add a route for the sender to node.yaml, or let it send elsewhere. What was declined before is judged anew "
        "when it is erased (hilum erase) and sent again.",
    ),
)
REASON_OF_CODE: dict[str, DeclineReason] = {reason.code: reason for reason in DECLINE_REASONS}
GATE_CODES: tuple[str, ...] = tuple(reason.code for reason in DECLINE_REASONS if reason.group == "gate")


@dataclass(frozen=True)
class Declined:
    """An image that is not analysed, and why: `code` of a row of DECLINE_REASONS, `reason` a sentence about this
    image."""

    code: str
    reason: str

    def __post_init__(self) -> None:
        if self.code not in REASON_OF_CODE:
            raise ValueError(f"unknown decline code {self.code!r}")
