"""Patient and study attributes, copied from a source image to a result: exactly to the byte where they have the form of
their VR, else cleaned, or left out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pydicom import DataElement, Dataset
from pydicom.charset import convert_encodings, decode_bytes, encode_string
from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataelem import RawDataElement, convert_raw_data_element
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.valuerep import PN_DELIMS, TEXT_VR_DELIMS, VR, PersonName

from converter.image.header import BROKEN_INPUT, without_warnings
from converter.result.cleaned import IDENTIFIERS, cleaned
from converter.result.completeness import complete_items, leave_out_halves

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

_TEXT_VRS = frozenset({VR.AE, VR.AS, VR.CS, VR.DA, VR.DS, VR.DT, VR.IS, VR.LO, VR.LT, VR.PN, VR.SH, VR.ST, VR.TM,
                       VR.UC, VR.UI, VR.UR, VR.UT})  # fmt: skip
# Written in the declared character set (PS3.5 6.1.2.2); all others are ASCII.
_CHARSET_VRS = frozenset({VR.LO, VR.LT, VR.PN, VR.SH, VR.ST, VR.UC, VR.UT})
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
            self.copy_to(result, ["SpecificCharacterSet"])
        # the raw elements below are written as they are only if the result says that it was read with this encoding
        result.set_original_encoding(False, True, result._character_set)
        self.copy_to(result, IDENTITY)
        leave_out_halves(result)
        for keyword in IDENTITY_TYPE_2:
            if keyword not in result:
                setattr(result, keyword, None)
        return result

    def can_say(self, text: str) -> bool:
        """Whether the character set of the result has every letter of `text`."""
        if self.utf8 or text.isascii():
            return True
        if not self.source.get("SpecificCharacterSet"):
            return False
        encodings = list(self.encodings)
        try:
            with without_warnings():
                return decode_bytes(encode_string(text, encodings), encodings, TEXT_VR_DELIMS) == text
        except BROKEN_INPUT:
            return False

    def copy_to(self, result: Dataset, keywords: Iterable[str], origin: Dataset | None = None) -> None:
        """Copy those of `keywords` that the source (or `origin`, an item of one of its sequences) has and that can be
        brought into the form of their VR."""
        origin = self.source if origin is None else origin
        for keyword in keywords:
            if keyword in origin:
                self._copy(result, origin, BaseTag(_tag(keyword)))

    def new_item(self) -> Dataset:
        """An empty sequence item that takes copied elements."""
        encodings = convert_encodings(_UTF8) if self.utf8 else list(self.encodings)
        item = Dataset(parent_encoding=encodings)
        item.set_original_encoding(False, True, encodings)
        return item

    def _copy(self, result: Dataset, origin: Dataset, tag: BaseTag) -> None:
        try:
            with without_warnings():
                element = self._element(origin, tag)
        except BROKEN_INPUT:
            return
        if element is not None:
            result[tag] = element

    def _element(self, origin: Dataset, tag: BaseTag) -> DataElement | RawDataElement | None:
        """The element as results have it; None where it cannot be brought into form."""
        vr = VR(dictionary_VR(tag))
        if vr == VR.SQ:
            return self._sequence(origin, tag)
        if vr in _TEXT_VRS:
            return self._text_element(origin.get_item(tag), tag, vr)
        return DataElement(tag, vr, origin[tag].value) if vr == origin[tag].VR else None

    def _text_element(
        self, element: DataElement | RawDataElement, tag: BaseTag, vr: VR
    ) -> DataElement | RawDataElement | None:
        keyword = keyword_for_tag(tag)
        text = self._text_of(element, vr)
        if vr in _CHARSET_VRS and not self._is_decoded(element, text) and keyword not in IDENTIFIERS:
            return None
        clean = text if tag == _CHARACTER_SET else cleaned(tag, keyword, vr, text)
        if clean is None:
            return None
        if self.utf8 and tag != _CHARACTER_SET:
            return DataElement(tag, vr, clean)
        if not isinstance(element, RawDataElement):
            return DataElement(tag, vr, element.value if clean == text else clean)
        stored = element.value or b""
        if clean != text:
            stored = encode_string(clean, list(self.encodings)) if vr in _CHARSET_VRS else clean.encode("ascii")
        stored += (b"\0" if vr == VR.UI else b" ") * (len(stored) % 2)
        return RawDataElement(tag, vr, len(stored), stored, 0, False, True)

    def _text_of(self, element: DataElement | RawDataElement, vr: VR) -> str:
        """All values as one text; what cannot be decoded has U+FFFD in its place."""
        if isinstance(element, RawDataElement):
            stored = element.value or b""
            if vr not in _CHARSET_VRS:
                return stored.decode("latin-1")
            return decode_bytes(stored, list(self.encodings), PN_DELIMS if vr == VR.PN else TEXT_VR_DELIMS)
        value = element.value
        if value is None:
            return ""
        several = hasattr(value, "__iter__") and not isinstance(value, (str, bytes, PersonName))
        return "\\".join(map(str, value)) if several else str(value)

    def _is_decoded(self, element: DataElement | RawDataElement, text: str) -> bool:
        """Whether the declared character set is that of the value (PS3.5 6.1.2.3)."""
        if isinstance(element, RawDataElement) and not self.source.get("SpecificCharacterSet"):
            return (element.value or b"").isascii()
        return _UNDECODABLE not in text

    def _sequence(self, origin: Dataset, tag: BaseTag) -> DataElement | None:
        """Its complete items; None where it is no sequence, or has none of them."""
        stored, keyword = origin[tag].value, keyword_for_tag(tag)
        if not isinstance(stored, Sequence):
            return None
        items = complete_items(keyword, map(self._item, stored))
        return DataElement(tag, VR.SQ, Sequence(items)) if items else None

    def _item(self, origin: Dataset) -> Dataset:
        item = self.new_item()
        for tag in origin.keys():  # noqa: SIM118 (iterating a Dataset would decode its elements)
            if not BaseTag(tag).is_private and keyword_for_tag(tag) and not (self.utf8 and tag == _CHARACTER_SET):
                self._copy(item, origin, BaseTag(tag))
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
