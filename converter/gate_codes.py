"""Why an input gate refuses an image: the codes that a model package may use."""

from __future__ import annotations

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
