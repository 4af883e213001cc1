"""Which body part a header names: Body Part Examined in all its spellings, else the coded Anatomic Region."""

from __future__ import annotations

import re

from pydicom import Dataset

from converter.image.header import items, tokens, value, word

# Spellings met for a body part of a model's intended use, as whole words of Body Part Examined or of a code meaning.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "CHEST": (
        *("CHEST", "CXR", "THX", "THORAX", "THORACIC CAVITY", "TORAX", "TORACE", "POITRINE", "PECHO", "BRUSTKORB"),
        *("LUNG", "LUNGS", "LUNGE", "LUNGEN", "POUMON", "POUMONS", "PULMON", "PULMONES", "PULMAO", "PULMOES"),
        *("POLMONE", "POLMONI"),
    ),
    "BRAIN": ("BRAIN", "CEREBRUM", "CEREBRAL", "GEHIRN", "HIRN", "CERVEAU", "CEREBRO", "CERVELLO", "ENCEFALO"),
    "HEAD": (
        *("HEAD", "SKULL", "CRANIUM", "KOPF", "SCHADEL", "SCHAEDEL", "TETE", "CRANE", "CABEZA", "CRANEO", "TESTA"),
        *("CRANIO", "CABECA"),
    ),
}
# Of these spellings, those that devices run together with anything else: THORAXLIEGEND, PEDCHEST, 2VCHEST.
COMPOUNDED: dict[str, tuple[str, ...]] = {"CHEST": ("CHEST", "THORAX", "TORAX")}
# (Code Value) of the same body part: SCT, and SRT as older devices write it (PS3.16 CID 4, CID 4009; PS3.16 annex L).
CODES: dict[str, frozenset[str]] = {
    "CHEST": frozenset(
        {"816094009", "51185008", "43799004", "39607008", "T-D3000", "T-D0300", "T-28000"}  # chest, thorax, lung
    ),
    "BRAIN": frozenset({"12738006", "T-A0100"}),
    "HEAD": frozenset({"69536005", "T-D1100", "89546000", "T-11100"}),  # head, skull
}
# Parts of words that name a region beyond the body part, or one that only shares its name.
BEYOND = ("ABD", "PELV", "NECK", "SPINE", "HEAD", "AORTA", "RIB", "SHOULDER", "LUMB", "CERVI")
# What a view or a technique adds to the word.
SUFFIX = r"(?:PA|AP|LAT|PORT|PORTABLE|\d\w*)?"
SAYS_NOTHING = frozenset({"", "UNKNOWN", "OTHER", "NONE", "NA", "N A", "UNSPECIFIED", "DEFAULT"})

DESCRIPTIONS = {
    "SeriesDescription": "Series Description",
    "ProtocolName": "Protocol Name",
    "StudyDescription": "Study Description",
}
# Words for other regions: English, German, French, Spanish, Italian, Portuguese; without accents, and without words
# that mean something else elsewhere (MAIN, C-ARM, DE PIE).
OTHER_REGIONS = frozenset(
    word
    for words in (
        "TEETH TOOTH DENTAL ZAHN ZAHNE ZAEHNE DENT DENTS DENTAIRE DIENTE DIENTES DENTE DENTI DENTES DENTALE DENTARIO",
        "JAW MANDIBLE MAXILLA KIEFER UNTERKIEFER MACHOIRE MANDIBULA MANDIBOLA BITEWING PANORAMIC PANOREX OPG",
        "SKULL HEAD SINUS SINUSES ORBIT SCHADEL SCHAEDEL NNH CRANE TETE CRANEO CABEZA CRANIO TESTA CABECA",
        "NECK HALS COU CUELLO COLLO PESCOCO",
        "SPINE CSPINE TSPINE LSPINE CERVICAL LUMBAR SACRUM COCCYX WIRBELSAULE WIRBELSAEULE HWS BWS LWS",
        "RACHIS COLONNE COLUMNA LUMBAIRE RACHIDE COLONNA LOMBARE COLUNA LOMBAR",
        "SHOULDER CLAVICLE SCAPULA SCHULTER SCHLUSSELBEIN EPAULE CLAVICULE HOMBRO CLAVICULA SPALLA CLAVICOLA OMBRO",
        "HUMERUS ELBOW FOREARM RADIUS ULNA OBERARM UNTERARM ELLBOGEN ELLENBOGEN BRAS COUDE BRAZO CODO",
        "ANTEBRAZO BRACCIO GOMITO AVAMBRACCIO BRACO COTOVELO ANTEBRACO",
        "HAND HANDS WRIST FINGER FINGERS THUMB HANDGELENK DAUMEN MAINS POIGNET DOIGT MANO MANOS MUNECA DEDO POLSO",
        "MAO MAOS PUNHO",
        "ABDOMEN ABDOMINAL KUB BAUCH VENTRE ADDOME ABDOME",
        "PELVIS HIP HIPS BECKEN HUFTE HUEFTE BASSIN HANCHE CADERA BACINO BACIA QUADRIL",
        "LEG FEMUR KNEE KNEES PATELLA TIBIA FIBULA OBERSCHENKEL UNTERSCHENKEL KNIE JAMBE GENOU GENOUX PIERNA",
        "RODILLA RODILLAS GAMBA GINOCCHIO GINOCCHIA PERNA JOELHO JOELHOS",
        "FOOT FEET ANKLE TOE TOES HEEL CALCANEUS FUSS FUESSE SPRUNGGELENK ZEHE PIED PIEDS CHEVILLE ORTEIL PIES TOBILLO",
        "PIEDE CAVIGLIA TORNOZELO",
        "RIBS RIPPEN COSTILLAS COSTELAS EXTREMITY EXTREMITIES BREAST BREASTS MAMMO MAMMOGRAPHY MAMMA",
    )
    for word in words.split()
)


def named_body_part(ds: Dataset) -> str:
    """What the header calls the body part, as plain words in upper case, or an empty string."""
    examined = _plain(word(ds, "BodyPartExamined"))
    if examined not in SAYS_NOTHING:
        return examined
    for region in items(ds, "AnatomicRegionSequence")[:1]:
        meaning = _plain(word(region, "CodeMeaning"))
        code = str(value(region, "CodeValue") or "").strip()
        known = next((part for part, codes in CODES.items() if code in codes), "")
        return known or ("" if meaning in SAYS_NOTHING else meaning)
    return ""


def is_one_of(named: str, body_parts: tuple[str, ...]) -> bool:
    """Whether `named` (see `named_body_part`) means one of `body_parts` and nothing beyond it."""
    beyond = [word for word in BEYOND if not any(word in part.upper() for part in body_parts)]
    return not any(word in named for word in beyond) and _mentions(named, body_parts)


def other_region(ds: Dataset, body_parts: tuple[str, ...]) -> tuple[str, str] | None:
    """The description that names a region, and that word, where none of them mentions one of `body_parts`."""
    texts = {name: _plain(word(ds, keyword)) for keyword, name in DESCRIPTIONS.items()}
    if any(_mentions(text, body_parts) for text in texts.values()):
        return None
    found = ((name, one) for name, text in texts.items() for one in text.split() if one in OTHER_REGIONS)
    return next(found, None)


def _mentions(text: str, body_parts: tuple[str, ...]) -> bool:
    parts = [part.upper() for part in body_parts]
    spellings = {s for part in parts for s in (_plain(part), *SPELLINGS.get(part, ()))}
    compounded = tuple(s for part in parts for s in COMPOUNDED.get(part, ()))
    return any(re.search(rf"(?:^|\s){re.escape(s)}{SUFFIX}(?:\s|$)", text) for s in spellings) or any(
        one.startswith(compounded) or one.endswith(compounded) for one in text.split()
    )


def _plain(text: str) -> str:
    return " ".join(tokens(text))
