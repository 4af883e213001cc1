"""Reads the identity of an instance from its data set, and whether the data set is whole, as damaged as it may be.

The lengths of all elements are walked to the end; values other than the wanted ones are stepped over: those that make
up the identity, and those by which routes tell how urgent an image is. Where the
walk gives up, the identity is searched for before anything is refused. Nothing here decodes text or pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydicom.datadict import tag_for_keyword

from converter.image.bounded_file import INFLATED_BYTES_MAX
from converter.image.encoded.byte_source import ByteSource, InflatedSource
from converter.image.encoded.headers import PIXEL_DATA, ByteOrder
from converter.image.encoded.plausible import Derailed, EndsEarly, TooManyElements
from converter.image.encoded.search import search_uids
from converter.image.encoded.start import Encoding, open_encoded
from converter.image.encoded.walk import ELEMENTS_MAX, ElementWalk
from converter.image.routing_header import AGE_SOURCES, TEXTS
from scp_node.dimse.uids import is_uid_as_sent
from scp_node.errors import CannotUnderstand

ACCESSION_CHARACTERS_MAX = 64
# Longer than any value that is wanted; the rest of a longer one is not looked at.
VALUE_BYTES_MAX = 256

_SOP_CLASS, _SOP_INSTANCE, _ACCESSION = 0x00080016, 0x00080018, 0x00080050
_STUDY, _SERIES = 0x0020000D, 0x0020000E
_IDENTITY = (_SOP_CLASS, _SOP_INSTANCE, _ACCESSION, _STUDY, _SERIES)
_TEXTS = {tag: keyword for keyword in (*TEXTS, *AGE_SOURCES) if (tag := tag_for_keyword(keyword)) is not None}
_WANTED = dict.fromkeys((*_IDENTITY, *_TEXTS), "")
# In the order in which they stand in a data set, for the search.
_UIDS = (_SOP_CLASS, _SOP_INSTANCE, _STUDY, _SERIES)


@dataclass(frozen=True)
class InstanceHeader:
    """What the ledger needs to know of a received data set. `notes`: what is damaged about it, without any value.
    `texts`: what else was read, by keyword, as far as it is ASCII."""

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    accession_number: str
    notes: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class WalkLimits:
    """How far a data set is followed: `elements_max` headers of any level, and so many bytes inflated."""

    elements_max: int = ELEMENTS_MAX
    inflated_bytes_max: int = INFLATED_BYTES_MAX


NO_OTHER_LIMITS = WalkLimits()


def read_header(data: ByteSource, transfer_syntax_uid: str, limits: WalkLimits = NO_OTHER_LIMITS) -> InstanceHeader:
    """Identity of the data set `data`. Of repeated elements the first that has a value counts.

    Raises CannotUnderstand where bytes are missing, because the sender still has them, and where no identity is
    found. A data set that goes beyond `limits` is not followed to its end; its identity must lie within.
    """
    source, encoding = open_encoded(data, transfer_syntax_uid, limits.inflated_bytes_max)
    walk = ElementWalk(source, encoding, limits.elements_max)
    values, gave_up, has_pixels = _walked(source, walk)
    _check_whole(data, source, None if has_pixels else gave_up)
    notes = [*walk.notes, *([str(gave_up)] if gave_up is not None else [])]
    if notes:
        notes += _searched(source, encoding, values)
    return InstanceHeader(
        sop_class_uid=values[_SOP_CLASS],
        sop_instance_uid=values[_SOP_INSTANCE],
        study_instance_uid=_required_uid(values[_STUDY], "Study Instance UID"),
        series_instance_uid=_required_uid(values[_SERIES], "Series Instance UID"),
        accession_number=values[_ACCESSION][:ACCESSION_CHARACTERS_MAX],
        notes=tuple(notes),
        texts={keyword: values[tag] for tag, keyword in _TEXTS.items() if values[tag]},
    )


def _walked(
    source: ByteSource, walk: ElementWalk
) -> tuple[dict[int, str], Derailed | EndsEarly | TooManyElements | None, bool]:
    """The wanted values, what ended the walk before the data set does, and whether all of the Pixel Data came first:
    whatever stands behind them is no part of the image."""
    values, has_pixels = dict(_WANTED), False
    try:
        for element in walk:
            if element.tag in values and not values[element.tag] and not element.is_undefined:
                length = min(element.end - element.start, VALUE_BYTES_MAX)
                values[element.tag] = _text(source.read(element.start, length))
            has_pixels = has_pixels or element.tag == PIXEL_DATA
    except (Derailed, EndsEarly, TooManyElements) as error:
        return values, error, has_pixels
    return values, None, has_pixels


def _check_whole(data: ByteSource, source: ByteSource, gave_up: Exception | None) -> None:
    """Raise CannotUnderstand where bytes are missing."""
    if data.size == 0:
        raise CannotUnderstand("data set ends early: it is empty")
    if isinstance(source, InflatedSource):
        if source.problem == "cut":
            raise CannotUnderstand("data set ends early: the deflated bytes are incomplete")
        if source.problem:  # what there is of it does not end as it should
            return
    if isinstance(gave_up, EndsEarly):
        raise CannotUnderstand(f"data set ends early: {gave_up}")


def _searched(source: ByteSource, encoding: Encoding, values: dict[int, str]) -> list[str]:
    """Fill in what the walk did not find, where the bytes say it without doubt. Returns notes."""
    missing = [tag for tag in _UIDS if not is_uid_as_sent(values[tag])]
    if not missing:
        return []
    found = search_uids(source, ByteOrder(encoding.is_big_endian), _UIDS)
    values.update({tag: found[tag] for tag in missing if tag in found})
    return ["identity found by search"]


def _text(value: bytes) -> str:
    text = value.decode("ascii", "replace").strip("\0 ")
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "?" for character in text)


def _required_uid(uid: str, name: str) -> str:
    if not is_uid_as_sent(uid):
        raise CannotUnderstand(f"{name} is {'not valid' if uid else 'missing'}")
    return uid
