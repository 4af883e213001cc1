"""Brings a copied value into the form of its VR (PS3.5 6.2), without changing what it means.

A result is to be valid whatever its source says: a value that cannot be brought into form is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from pydicom.datadict import dictionary_VM
from pydicom.tag import BaseTag
from pydicom.valuerep import VR, format_number_as_ds

# What tells one patient, study or order from another is never rewritten and never left out: an archive goes by it.
IDENTIFIERS = frozenset(
    {
        "AccessionNumber",
        "AdmissionID",
        "IssuerOfPatientID",
        "LocalNamespaceEntityID",
        "PatientID",
        "PatientName",
        "RequestedProcedureID",
        "ScheduledProcedureStepID",
        "StudyID",
        "StudyInstanceUID",
        "UniversalEntityID",
    }
)
OFFSET = "TimezoneOffsetFromUTC"
# Enumerated Values (PS3.3), and the words that devices write in their place.
YES_NO = ("YES", "NO")
ENUMERATED = {
    "BurnedInAnnotation": YES_NO,
    "ImageLaterality": ("R", "L", "U", "B"),
    "Laterality": ("R", "L"),
    "LossyImageCompression": ("00", "01"),
    "PatientIdentityRemoved": YES_NO,
    "PatientSex": ("M", "F", "O"),
    "QualityControlSubject": YES_NO,
    "UniversalEntityIDType": ("DNS", "EUI64", "ISO", "URI", "UUID", "X400", "X500"),
}
WORDS = {
    "LossyImageCompression": {"NO": "00", "YES": "01", "0": "00", "1": "01"},
    "PatientSex": {"MALE": "M", "FEMALE": "F", "OTHER": "O"},
}
# A code that is cut is another code.
CODES = frozenset({"CodeValue", "CodingSchemeDesignator"})
CHARS_MAX = {VR.AE: 16, VR.LO: 64, VR.LT: 10240, VR.SH: 16, VR.ST: 1024}
NAME_GROUPS_MAX, NAME_PARTS_MAX, NAME_CHARS_MAX = 3, 5, 64

_OFFSET = re.compile(r"(?!-0000)[+-](?:0\d|1[0-4])[0-5]\d")
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_DATE = re.compile(r"(\d{4})([-./]?)(\d{2})\2(\d{2})")
_TIME = re.compile(r"(?:[01]\d|2[0-3])(?:(:?)[0-5]\d(?:\1(?:[0-5]\d|60)(?:\.\d{1,6})?)?)?")
_MOMENT = re.compile(r"\d{4}(?:\d{2}(?:\d{2}(?:\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,6})?)?)?)?)?)?(?P<zone>[+-]\d{4})?")
_AGE = re.compile(r"(\d{1,3}) *([DWMY])")
_UID = re.compile(r"(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))+")
_CODE = re.compile(r"[A-Z0-9_ ]{1,16}")
_SEVERAL_LINES = frozenset("\t\n\f\r")


def cleaned(tag: BaseTag, keyword: str, vr: VR, text: str) -> str | None:
    """`text`, the values of an element with backslashes between them, in the form of `vr`; None = to be left out.

    An empty text stays empty. Identifiers stay as they are.
    """
    if keyword in IDENTIFIERS:
        return text
    if not text.strip(" \0"):
        return None if vr == VR.AS or keyword == OFFSET else text  # an age and a zone are stated or not
    if vr in (VR.LT, VR.ST, VR.UT, VR.UR):  # a backslash is part of them
        return _several_lines(text, vr) if vr != VR.UR else _one_word(text)
    values = text.split("\\")
    if not _may_be_as_many(tag, len(values)):
        if vr not in (VR.LO, VR.SH, VR.UC):
            return None
        values = ["/".join(values)]  # a backslash in a text of one value
    clean = [_clean_value(keyword, vr, value.strip(" \0")) for value in values]
    return None if any(value is None for value in clean) else "\\".join(value or "" for value in clean)


def _clean_value(keyword: str, vr: VR, value: str) -> str | None:
    if not value:
        return value
    if keyword == OFFSET:
        return value if _OFFSET.fullmatch(value) else None
    return _FORMS[vr](keyword, value) if vr in _FORMS else value


def _may_be_as_many(tag: BaseTag, count: int) -> bool:
    """Value Multiplicity as the dictionary has it (PS3.6): "1", "2", "1-3", "1-n", "2-2n"."""
    least, _, most = dictionary_VM(tag).partition("-")
    if not most:
        return count == int(least)
    if most.endswith("n"):
        return count >= int(least) and count % int(most[:-1] or 1) == 0
    return int(least) <= count <= int(most)


def _line(keyword: str, value: str, vr: VR) -> str | None:
    """One line of text, cut where it is too long."""
    if (keyword in CODES and len(value) > CHARS_MAX[vr]) or (
        keyword == "LongCodeValue" and len(value) <= CHARS_MAX[VR.SH]
    ):
        return None
    printable = "".join(one if one.isprintable() else " " for one in value).strip()
    return printable[: CHARS_MAX.get(vr)].rstrip()


def _several_lines(text: str, vr: VR) -> str:
    kept = "".join(one if one.isprintable() or one in _SEVERAL_LINES else " " for one in text)
    return kept[: CHARS_MAX.get(vr)]


def _one_word(text: str) -> str | None:
    word = text.rstrip(" \0")
    return word if word.isascii() and word.isprintable() and " " not in word else None


def _title(keyword: str, value: str) -> str | None:
    return value if len(value) <= CHARS_MAX[VR.AE] and value.isascii() and value.isprintable() else None


def _age(keyword: str, value: str) -> str | None:
    found = _AGE.fullmatch(value.upper())
    return f"{int(found[1]):03d}{found[2]}" if found and value.isascii() else None


def _code(keyword: str, value: str) -> str | None:
    code = value.upper()
    code = WORDS.get(keyword, {}).get(code, code)
    if keyword in ENUMERATED:
        return code if code in ENUMERATED[keyword] else None
    return code if _CODE.fullmatch(code) else None


def _date(keyword: str, value: str) -> str | None:
    found = _DATE.fullmatch(value) if value.isascii() else None
    if found is None:
        return None
    date = found[1] + found[3] + found[4]
    with suppress(ValueError):
        datetime.strptime(date, "%Y%m%d")  # noqa: DTZ007 - only whether there is such a day
        return date
    return None


def _time(keyword: str, value: str) -> str | None:
    return value.replace(":", "") if value.isascii() and _TIME.fullmatch(value) else None


def _moment(keyword: str, value: str) -> str | None:
    found = _MOMENT.fullmatch(value) if value.isascii() else None
    if found is None or (found["zone"] and not _OFFSET.fullmatch(found["zone"])):
        return None
    digits = re.split(r"[+.-]", value)[0]
    with suppress(ValueError):
        datetime.strptime(digits, "%Y%m%d%H%M%S"[: len(digits) - 2])  # noqa: DTZ007 - two letters for each two digits
        return value
    return None


def _decimal(keyword: str, value: str) -> str | None:
    number = value.replace(",", ".") if value.count(",") == 1 and "." not in value else value
    if not (number.isascii() and _DECIMAL.fullmatch(number)):
        return None
    if len(number) <= 16:
        return number
    with suppress(ValueError, OverflowError):
        return format_number_as_ds(float(number))
    return None


def _integer(keyword: str, value: str) -> str | None:
    number = re.sub(r"\.0*$", "", value)
    if not (number.isascii() and re.fullmatch(r"[+-]?\d{1,11}", number)):
        return None
    return number if -(2**31) <= int(number) < 2**31 else None


def _name(keyword: str, value: str) -> str | None:
    groups = value.split("=")
    fits = len(groups) <= NAME_GROUPS_MAX and all(
        len(group) <= NAME_CHARS_MAX and group.count("^") < NAME_PARTS_MAX and group.isprintable() for group in groups
    )
    return value if fits else None


def _uid(keyword: str, value: str) -> str | None:
    return value if len(value) <= 64 and value.isascii() and _UID.fullmatch(value) else None


_FORMS: dict[VR, Callable[[str, str], str | None]] = {
    VR.AE: _title,
    VR.AS: _age,
    VR.CS: _code,
    VR.DA: _date,
    VR.DS: _decimal,
    VR.DT: _moment,
    VR.IS: _integer,
    VR.LO: lambda keyword, value: _line(keyword, value, VR.LO),
    VR.PN: _name,
    VR.SH: lambda keyword, value: _line(keyword, value, VR.SH),
    VR.TM: _time,
    VR.UC: lambda keyword, value: _line(keyword, value, VR.UC),
    VR.UI: _uid,
}
