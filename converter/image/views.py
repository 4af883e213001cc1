"""Which view a header names: View Position, else View Code Sequence, Patient Orientation, or a lateral description."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydicom import Dataset

from converter.image.header import items, tokens, value, word, words

# Words of View Position (PS3.3 C.8.11.5.1, and what devices write instead) that exclude a frontal view.
LATERAL = frozenset({"LL", "RL", "LLD", "RLD", "LATERAL", "SAGITTAL"})
OBLIQUE = frozenset({"LLO", "RLO", "LAO", "RAO", "LPO", "RPO", "OBL", "OBLIQUE", "AXIAL", "TANGENTIAL"})
MAMMOGRAPHIC = frozenset({"MLO", "ML", "LM", "CC", "XCCL"})
NOT_FRONTAL = LATERAL | OBLIQUE | MAMMOGRAPHIC
FRONTAL = frozenset({"PA", "AP", "FRONTAL"})
DEFINED = NOT_FRONTAL | FRONTAL
# Parts of words for lateral in the languages devices speak, and words that only look like them: LATE, LATITUDE,
# LATERALITY, DILATATION, and FLAT, BILATERAL, BEIDSEITIG.
LATERAL_PART = re.compile("LAT|PROFIL|PERFIL|SEITL|DECUB")
ONLY_LOOKS_LATERAL = re.compile(
    "LAT(?:E(?!R[AEO])|ERALI[TDZ]|[AIOU])|^(?:BI|UNI|CONTRA|IPSI|COL|DI|TRANS|IN|F|P)LAT|^BEIDSEIT"
)
# With these, a decubitus is not on the side.
ON_THE_BACK_OR_FRONT = frozenset({"SUPINE", "SUPINO", "DORSAL", "DORSALE", "PRONE", "PRONO", "VENTRAL", "VENTRALE"})
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
DESCRIPTIONS = {
    "BodyPartExamined": "Body Part Examined",
    "SeriesDescription": "Series Description",
    "ProtocolName": "Protocol Name",
    "AcquisitionDeviceProcessingDescription": "Acquisition Device Processing Description",
}


@dataclass(frozen=True)
class View:
    """`word`: one of DEFINED; `attribute`: the name of the attribute that says so."""

    word: str
    attribute: str

    @property
    def frontal(self) -> bool:
        return self.word in FRONTAL


def named_view(ds: Dataset) -> View | None:
    """The view, or None when the header says nothing that is understood."""
    position = _spoken(word(ds, "ViewPosition"))
    lateral = {"LATERAL"} if _is_lateral(position) or position in ({"L"}, {"R"}) else set()
    for known in (NOT_FRONTAL & position, lateral, FRONTAL & position):
        if known:
            return View(min(known), "View Position")
    for code in items(ds, "ViewCodeSequence")[:1]:
        spoken_code = str(value(code, "CodeValue") or "").strip()
        for view, codes in VIEW_CODES.items():
            if spoken_code in codes:
                return View(view, "View Code Sequence")
    # rows or columns that run to the patient's front or back are seen from the side (PS3.3 C.7.6.1.1.1)
    directions = words(ds, "PatientOrientation")
    if len(directions) == 2 and any(one[:1] in ("A", "P") for one in directions):
        return View("LATERAL", "Patient Orientation")
    return _described_lateral(ds)


def _described_lateral(ds: Dataset) -> View | None:
    """Lateral where a description says so and none says frontal; one that says both speaks of the study."""
    lateral = []
    for keyword, name in DESCRIPTIONS.items():
        spoken = _spoken(word(ds, keyword))
        if _is_frontal(spoken) and not _is_lateral(spoken):
            return None
        if _is_lateral(spoken) and not _is_frontal(spoken):
            lateral.append(View("LATERAL", name))
    return lateral[0] if lateral else None


def _is_frontal(spoken: set[str]) -> bool:
    return any(re.search("^FRONTAL$|(?:^|CHEST|THORAX|TORAX)(?:PA|AP)$", one) for one in spoken)


def _is_lateral(spoken: set[str]) -> bool:
    alike = {one for one in spoken if LATERAL_PART.search(one) and not ONLY_LOOKS_LATERAL.search(one)}
    if ON_THE_BACK_OR_FRONT & spoken:
        alike = {one for one in alike if "DECUB" not in one}
    return bool(alike or LATERAL & spoken)


def _spoken(text: str) -> set[str]:
    """The words of `text`; P.A. and a.-p. are one word."""
    return set(tokens(re.sub(r"\b([AP])\W{1,2}([AP])\b", r"\1\2", text)))
