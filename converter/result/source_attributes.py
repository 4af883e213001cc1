"""Patient and study attributes, copied from a source image to a result exactly to the byte."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pydicom import DataElement, Dataset
from pydicom.charset import convert_encodings
from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataelem import RawDataElement, convert_raw_data_element
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.valuerep import VR, PersonName

Charset = Literal["source", "utf8"]

# Present in every result, empty when the source has none (type 2: PS3.3 C.7.1.1, C.7.2.1).
IDENTITY_TYPE_2 = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "StudyID",
    "ReferringPhysicianName",
)
# Copied when the source has them (PS3.3 C.7.1.1, C.7.1.3, C.7.2.1, C.7.2.2, C.7.2.3, C.12.1).
IDENTITY_TYPE_3 = (
    "TimezoneOffsetFromUTC",
    "IssuerOfPatientID",
    "IssuerOfPatientIDQualifiersSequence",
    "TypeOfPatientID",
    "PatientBirthTime",
    "OtherPatientIDs",
    "OtherPatientIDsSequence",
    "OtherPatientNames",
    "EthnicGroup",
    "PatientComments",
    "QualityControlSubject",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "ClinicalTrialSponsorName",
    "ClinicalTrialProtocolID",
    "ClinicalTrialProtocolName",
    "ClinicalTrialSiteID",
    "ClinicalTrialSiteName",
    "ClinicalTrialSubjectID",
    "ClinicalTrialSubjectReadingID",
    "ClinicalTrialTimePointID",
    "ClinicalTrialTimePointDescription",
    "StudyDescription",
    "IssuerOfAccessionNumberSequence",
    "ReferringPhysicianIdentificationSequence",
    "ConsultingPhysicianName",
    "PhysiciansOfRecord",
    "NameOfPhysiciansReadingStudy",
    "RequestingService",
    "ProcedureCodeSequence",
    "ReasonForPerformedProcedureCodeSequence",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "Occupation",
    "AdditionalPatientHistory",
    "AdmissionID",
    "IssuerOfAdmissionIDSequence",
    "ReasonForVisit",
)
IDENTITY = IDENTITY_TYPE_2 + IDENTITY_TYPE_3

# Optional values that do not identify anybody are left out where they break the form of their VR (PS3.5 6.2): a
# challenge file's Patient Age of "62" would make every result of it invalid.
_FORMS = {
    "PatientAge": re.compile(r"\d{3}[DWMY]"),
    "TimezoneOffsetFromUTC": re.compile(r"(?!-0000)[+-](?:0\d|1[0-4])[0-5]\d"),
}

_TEXT_VRS = frozenset({VR.AE, VR.AS, VR.CS, VR.DA, VR.DS, VR.DT, VR.IS, VR.LO, VR.LT, VR.PN, VR.SH, VR.ST, VR.TM,
                       VR.UC, VR.UI, VR.UR, VR.UT})  # fmt: skip
_CHARACTER_SET = BaseTag(0x00080005)
_UTF8 = "ISO_IR 192"
_UNDECODABLE = "�"


@dataclass(frozen=True)
class SourceAttributes:
    """Hands out elements of one source image, in its own character set or in UTF-8.

    In its own character set the bytes are passed on as they stand in the file, undecoded: names survive even where
    they break the rules of ISO 2022, and no shift sequence changes. In UTF-8 they are decoded and encoded anew; a
    source that its declared character set cannot decode keeps its bytes instead, because a wrong name is worse.
    """

    source: Dataset
    utf8: bool
    encodings: tuple[str, ...]

    @classmethod
    def of(cls, source: Dataset, charset: Charset) -> SourceAttributes:
        declared = source.get("SpecificCharacterSet")
        encodings = tuple(convert_encodings(declared)) if declared else ("iso8859",)
        reader = cls(source, False, encodings)
        if charset == "utf8" and reader._decodes():
            return cls(source, True, encodings)
        return reader

    def new_result(self) -> Dataset:
        """An empty result that declares the character set and carries patient and study of the source."""
        result = Dataset()
        if self.utf8:
            result.SpecificCharacterSet = _UTF8
        elif "SpecificCharacterSet" in self.source:
            result[_CHARACTER_SET] = self._element(self.source, _CHARACTER_SET)
        # the raw elements below are written as they are only if the result says that it was read with this encoding
        result.set_original_encoding(False, True, result._character_set)
        self.copy_to(result, [keyword for keyword in IDENTITY if is_well_formed(self.source, keyword)])
        for keyword in IDENTITY_TYPE_2:
            if keyword not in result:
                setattr(result, keyword, None)
        return result

    def copy_to(self, result: Dataset, keywords: Iterable[str], origin: Dataset | None = None) -> None:
        """Copy those of `keywords` that the source (or `origin`, an item of one of its sequences) has."""
        origin = self.source if origin is None else origin
        for keyword in keywords:
            if keyword in origin:
                tag = BaseTag(_tag(keyword))
                result[tag] = self._element(origin, tag)

    def new_item(self) -> Dataset:
        """An empty sequence item that takes copied elements."""
        encodings = convert_encodings(_UTF8) if self.utf8 else list(self.encodings)
        item = Dataset(parent_encoding=encodings)
        item.set_original_encoding(False, True, encodings)
        return item

    def _element(self, origin: Dataset, tag: BaseTag) -> DataElement | RawDataElement:
        vr = VR(dictionary_VR(tag))
        if vr == VR.SQ:
            return DataElement(tag, VR.SQ, Sequence(self._item(item) for item in origin[tag].value))
        element = origin.get_item(tag)
        if vr not in _TEXT_VRS:
            return DataElement(tag, vr, origin[tag].value)
        if self.utf8 and tag != _CHARACTER_SET:
            return DataElement(tag, vr, _text(_decoded(element, self.encodings).value))
        if isinstance(element, RawDataElement):
            value = element.value or b""
            value += (b"\0" if vr == VR.UI else b" ") * (len(value) % 2)
            return RawDataElement(tag, vr, len(value), value, 0, False, True)
        return DataElement(tag, vr, element.value)

    def _item(self, origin: Dataset) -> Dataset:
        item = self.new_item()
        for tag in origin.keys():  # noqa: SIM118 (iterating a Dataset would decode its elements)
            if not BaseTag(tag).is_private and keyword_for_tag(tag) and not (self.utf8 and tag == _CHARACTER_SET):
                item[tag] = self._element(origin, BaseTag(tag))
        return item

    def _decodes(self) -> bool:
        """Whether every text to be copied can be read with the declared character set (PS3.5 6.1.2.3)."""
        declared = bool(self.source.get("SpecificCharacterSet"))
        for keyword in IDENTITY:
            element = self.source.get_item(_tag(keyword)) if keyword in self.source else None
            if isinstance(element, RawDataElement) and dictionary_VR(element.tag) in _TEXT_VRS:
                if not declared and not (element.value or b"").isascii():
                    return False
                if _UNDECODABLE in str(_decoded(element, self.encodings).value):
                    return False
        return True


def is_well_formed(source: Dataset, keyword: str) -> bool:
    """False for an optional attribute whose value is not of the form that its VR demands."""
    if keyword not in _FORMS or keyword not in source:
        return True
    return bool(_FORMS[keyword].fullmatch(stored_text(source, keyword)))


def stored_text(source: Dataset, keyword: str) -> str:
    """The value as it stands in the file, a character for a byte, or nothing; the element stays undecoded."""
    element = source.get_item(_tag(keyword)) if keyword in source else None
    value = element.value if element is not None else None
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value or "")
    return text.strip(" \0")


def _tag(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(f"{keyword} is no keyword of the data dictionary (PS3.6)")
    return tag


def _decoded(element: DataElement | RawDataElement, encodings: tuple[str, ...]) -> DataElement:
    if isinstance(element, RawDataElement):
        return convert_raw_data_element(element, encoding=list(encodings))
    return element


def _text(value: object) -> object:
    """Person names as text, so that they are encoded anew; everything else as it is."""
    if isinstance(value, PersonName):
        return str(value)
    if isinstance(value, (list, tuple)) or (hasattr(value, "__iter__") and not isinstance(value, (str, bytes))):
        return [_text(part) for part in value]
    return value
