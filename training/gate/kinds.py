"""What gates tell apart: the accepted kind first, then one kind for each reason to refuse.

A package has the kinds that its gate was fitted with: those of older ones lack the last two.
"""

from __future__ import annotations

from typing import NamedTuple


class RefusalKind(NamedTuple):
    """code: of the refusal (converter.declined); reason: what a reader is told."""

    name: str
    code: str = ""
    reason: str = ""


# Nobody's picture of anything that a gate is to accept, whatever that is.
PICTURE = RefusalKind("picture", "gate-picture", "the picture looks like a photograph, a drawing or a document")
NOISE = RefusalKind("noise", "gate-noise", "the picture looks like noise, a pattern or an empty frame")
SCREEN = RefusalKind("photographed-screen", "gate-picture", "the picture looks like a photograph of a screen")
UNREADABLE = RefusalKind("unreadable", "gate-quality", "the picture is too noisy, blurred, dark or bright to be read")

CHEST_KINDS = (
    RefusalKind("frontal-chest"),
    RefusalKind("lateral-chest", "gate-lateral", "the picture looks like a lateral view of a chest"),
    RefusalKind(
        "other-radiograph", "gate-not-chest", "the picture looks like a radiograph of something else than a chest"
    ),
    RefusalKind(
        "other-modality", "gate-modality", "the picture looks like a slice or another modality, not a radiograph"
    ),
    PICTURE,
    NOISE,
    RefusalKind("inverted", "gate-inverted", "the picture looks like a chest with black and white exchanged"),
    RefusalKind("rotated", "gate-rotated", "the picture looks like a chest that lies on its side or upside down"),
    RefusalKind("part-of-chest", "gate-cropped", "the picture seems to show only a part of a chest"),
    SCREEN,
    UNREADABLE,
)
# Into the manifest and the card of every package with this gate; measured in training/LOG.md.
CHEST_LIMITS = (
    "Do not rely on it for lateral films: no real one could be used. It learned side views from projections of one "
    "chest CT and from drawings, and a gate fitted with the drawings alone refused 27 of 500 of these projections. "
    "View Position and the rules of the route have to keep lateral films out.",
    "Of radiographs of other body parts hardly any real one could be measured: most pictures that stand for them "
    "are projections of one CT of a head. A few films are no proof.",
    "Photographs of screens, films that nobody can read and crude drawings of chests are all made or drawn by this "
    "project; no real one was measured.",
)
BRAIN_KINDS = (
    RefusalKind("brain-slice"),
    RefusalKind("radiograph", "gate-modality", "the picture looks like a radiograph, not like an MR slice of a brain"),
    RefusalKind("other-slice", "gate-modality", "the picture looks like a slice of something else than a brain in MR"),
    PICTURE,
    NOISE,
    RefusalKind("inverted", "gate-inverted", "the picture looks like a slice with black and white exchanged"),
    RefusalKind("part-of-head", "gate-cropped", "the picture seems to show only a part of a head"),
    SCREEN,
    UNREADABLE,
)
BRAIN_LIMITS = (
    "It does not know sequences: a slice without contrast, T2 or FLAIR may pass. The route has to keep them out.",
    "It does not know tumours: a healthy brain passes.",
    "All slices that it accepts came from one collection. What it refuses of other scanners was not measured.",
    "Photographs of screens and slices that nobody can read are all made by this project; no real one was measured.",
)
