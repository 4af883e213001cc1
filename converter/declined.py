"""Why an image is not analysed: a refusal is a result, with a coded reason and a sentence for a reader."""

from __future__ import annotations

from dataclasses import dataclass

# What an input gate of a model package may say.
GATE_CODES: dict[str, str] = {
    "gate-lateral": "the input gate took the image for a lateral view of a chest",
    "gate-not-chest": "the input gate took the image for a radiograph of something else than a chest",
    "gate-modality": "the input gate took the image for a slice or another modality, not for a radiograph",
    "gate-picture": "the input gate took the image for a photograph, a drawing or a document",
    "gate-noise": "the input gate took the image for noise, a pattern or an empty frame",
    "gate-inverted": "the input gate took black and white of the image to be exchanged",
    "gate-rotated": "the input gate took the image to lie on its side or upside down",
    "gate-cropped": "the input gate took the image for a part of a chest only",
}

# Every coded reason: what the header, the pixels, the gate of a model and the node itself refuse.
DECLINE_CODES: dict[str, str] = {
    "wrong-modality": "the Modality is none that the model was made for",
    "wrong-body-part": "the body part is not the one that the model was made for",
    "not-frontal": "the view is lateral or oblique",
    "wrong-view": "the view is frontal, but not one that the model or the route takes",
    "outside-ages": "the patient's age is outside the range the model was made for",
    "localizer": "a localizer (scout) image",
    "derived": "a derived image (processed, annotated or reformatted), not a radiograph as acquired",
    "no-pixels": "the object carries no pixel data",
    "undecodable": "the pixel data cannot be decoded",
    "implausible-blank": "the image is blank or nearly so",
    "implausible-tiny": "the image is too small to be a radiograph",
    "implausible-saturated": "most of the image is at the darkest or brightest level",
    "analysis-failed": "the analysis itself failed, through no fault of the image",
    "own-result": "a result of this node that came back from the archive",
    "no-route": "no route of this node takes images of this kind",
    **GATE_CODES,
}


@dataclass(frozen=True)
class Declined:
    """An image that is not analysed, and why: `code` is one of DECLINE_CODES, `reason` a sentence for a reader."""

    code: str
    reason: str

    def __post_init__(self) -> None:
        if self.code not in DECLINE_CODES:
            raise ValueError(f"unknown decline code {self.code!r}")
