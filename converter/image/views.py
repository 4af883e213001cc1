"""Which view a header names: View Position, else View Code Sequence, else what Patient Orientation gives away."""

from __future__ import annotations

import re

from pydicom import Dataset

from converter.image.header import items, value, word, words

# Words of View Position (PS3.3 C.8.11.5.1, and what devices write instead) that exclude a frontal view.
LATERAL = frozenset(
    {"LL", "RL", "LLD", "RLD", "LAT", "LATERAL", "LATL", "LATR", "LLAT", "RLAT", "SAGITTAL", "DECUBITUS"}
)
OBLIQUE = frozenset({"LLO", "RLO", "LAO", "RAO", "LPO", "RPO", "OBL", "OBLIQUE", "AXIAL", "TANGENTIAL"})
MAMMOGRAPHIC = frozenset({"MLO", "ML", "LM", "CC", "XCCL"})
NOT_FRONTAL = LATERAL | OBLIQUE | MAMMOGRAPHIC
# View -> codes of CID 4010: SCT, then SRT as older devices write it.
VIEW_CODES: dict[str, tuple[str, ...]] = {
    "AP": ("399348003", "R-10206"),
    "PA": ("272479007", "R-10214", "R-40888"),
    "FRONTAL": ("399033003", "R-10202"),
    "LATERAL": ("399067008", "R-102CD"),
    "LL": ("399173006", "R-10236"),
    "RL": ("399198007", "R-10232"),
    "SAGITTAL": ("30730003", "G-A145"),
    "OBLIQUE": ("399182000", "R-102C1", "399312000", "R-10208", "399059000", "R-10216"),
    "LLO": ("399184004", "R-10238"),
    "RLO": ("399236003", "R-10234"),
    "LAO": ("399135007", "R-10220"),
    "RAO": ("399356000", "R-40985"),
    "LPO": ("399006002", "R-10212"),
    "RPO": ("399038007", "R-10210"),
    "AXIAL": ("399061009", "R-10241"),
    "TANGENTIAL": ("399110001", "R-102C2"),
}
DEFINED = NOT_FRONTAL | {"PA", "AP", "FRONTAL"}


def named_view(ds: Dataset) -> str:
    """The view as a word of `DEFINED`, or an empty string when the header says nothing that is understood."""
    spoken = set(re.findall(r"[A-Z0-9]+", word(ds, "ViewPosition")))
    for known in (NOT_FRONTAL & spoken, DEFINED & spoken):
        if known:
            return min(known)
    for code in items(ds, "ViewCodeSequence")[:1]:
        spoken_code = str(value(code, "CodeValue") or "").strip()
        for view, codes in VIEW_CODES.items():
            if spoken_code in codes:
                return view
    # rows or columns that run to the patient's front or back are seen from the side (PS3.3 C.7.6.1.1.1)
    directions = words(ds, "PatientOrientation")
    return "LATERAL" if len(directions) == 2 and any(one[:1] in ("A", "P") for one in directions) else ""
