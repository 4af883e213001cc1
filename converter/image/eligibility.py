"""Whether a model was made for an image, judged by its header alone: rules in the order in which they are applied.

An attribute that is absent or says nothing neither admits nor excludes an image; its absence is noted. The
descriptions are searched for another region only if the image names neither body part nor view.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from pydicom import Dataset

from converter.declined import Declined
from converter.image.age import age_in_years
from converter.image.anatomy import is_one_of, named_body_part, other_region
from converter.image.header import items, value, word, words
from converter.image.sop_classes import is_sectional, storage_classes
from converter.image.views import named_view
from converter.package.intended_use import IntendedUse
from converter.product import MANUFACTURER, MODEL_NAME, describes_result

BODY_PART_UNKNOWN = "the header does not name the body part"
VIEW_UNKNOWN = "the header does not name the view"

# Words of Image Type, value 3 and later, that mark something computed from radiographs. Value 1 (DERIVED) and value 2
# (SECONDARY) do not: a processed DX image is DERIVED\PRIMARY (PS3.3 C.8.11.3.1.1), an exported one DERIVED\SECONDARY.
COMPUTED = frozenset(
    {"REFORMATTED", "MPR", "MIP", "MINIP", "SUBTRACTION", "SUBTRACTED", "SUPPRESSED", "SUPPRESSION", "TOMOSYNTHESIS"}
    | {"HEATMAP", "SALIENCY", "CAD", "SYNTHETIC", "SEGMENTATION", "STITCHED", "THUMBNAIL"}
)
# Conversion Type (PS3.3 C.8.6.1) of pictures that were never films: drawn, synthetic.
NEVER_A_FILM = frozenset({"DRW", "SYN"})

Verdict = Declined | str | None
Rule = Callable[[Dataset, IntendedUse], Verdict]


def check_header(ds: Dataset, use: IntendedUse) -> Declined | tuple[str, ...]:
    """The first rule that declines `ds`, or the notes of all rules."""
    notes: list[str] = []
    for rule in HEADER_RULES:
        verdict = rule(ds, use)
        if isinstance(verdict, Declined):
            return verdict
        if verdict:
            notes.append(verdict)
    return tuple(notes)


def own_result(ds: Dataset, _: IntendedUse) -> Verdict:
    equipment = (ds, *items(ds, "ContributingEquipmentSequence"))
    made_by_us = any(
        (word(one, "Manufacturer"), word(one, "ManufacturerModelName")) == (MANUFACTURER.upper(), MODEL_NAME.upper())
        for one in equipment
    )
    if made_by_us or describes_result(word(ds, "SeriesDescription")):
        return Declined("own-result", f"a result of {MANUFACTURER} that came back")
    return None


def no_pixels(ds: Dataset, _: IntendedUse) -> Verdict:
    return None if "PixelData" in ds else Declined("no-pixels", "the object has no Pixel Data")


def localizer(ds: Dataset, _: IntendedUse) -> Verdict:
    if {"LOCALIZER", "SCOUT"} & set(words(ds, "ImageType")):
        return Declined("localizer", "Image Type says that it is a localizer")
    return None


def derived(ds: Dataset, _: IntendedUse) -> Verdict:
    marks = {mark for flag in words(ds, "ImageType")[2:] for mark in re.findall(r"[A-Z0-9]+", flag)}
    if COMPUTED & marks:
        return Declined("derived", f"Image Type says {min(COMPUTED & marks)}")
    conversion = word(ds, "ConversionType")
    if conversion in NEVER_A_FILM:
        return Declined("derived", f"Conversion Type is {conversion}: a drawn or synthetic picture")
    return None


def wrong_modality(ds: Dataset, use: IntendedUse) -> Verdict:
    modality = word(ds, "Modality")
    if modality and modality not in use.modalities:
        return Declined("wrong-modality", f"Modality is {_quoted(modality)}")
    sop_class = str(value(ds, "SOPClassUID") or "")
    if sop_class not in storage_classes(use.modalities):
        return Declined("wrong-modality", f"SOP Class is {_sop_class_name(ds)}")
    return None


def wrong_body_part(ds: Dataset, use: IntendedUse) -> Verdict:
    named = named_body_part(ds)
    if not named:
        other = other_region(ds, use.body_parts) if named_view(ds) is None else None
        return Declined("wrong-body-part", f"{other[0]} names {other[1]}") if other else BODY_PART_UNKNOWN
    return None if is_one_of(named, use.body_parts) else Declined("wrong-body-part", f"Body Part is {_quoted(named)}")


def not_frontal(ds: Dataset, use: IntendedUse) -> Verdict:
    if is_sectional(str(value(ds, "SOPClassUID") or ""), word(ds, "Modality")):
        return None
    view = named_view(ds)
    if view is None:
        return VIEW_UNKNOWN
    if view.word in use.views or (view.word == "FRONTAL" and {"PA", "AP"} & set(use.views)):
        return None
    by_position = view.attribute == "View Position"
    said = f"the view is {view.word}" + ("" if by_position else f" ({view.attribute})")
    if view.frontal:
        return Declined("wrong-view", f"{said}, not one of {', '.join(use.views)}")
    return Declined("not-frontal", f"View Position is {view.word}" if by_position else said)


def outside_ages(ds: Dataset, use: IntendedUse) -> Verdict:
    years = age_in_years(ds)
    if years is None:
        return age_unknown(use)
    if years in use.ages:
        return None
    why = f": {use.ages.reason}" if use.ages.reason else ""
    return Declined("outside-ages", f"the patient is not of the ages that the model is for, {use.ages}{why}")


HEADER_RULES: tuple[Rule, ...] = (
    own_result,
    no_pixels,
    localizer,
    derived,
    wrong_modality,
    wrong_body_part,
    not_frontal,
    outside_ages,
)


def age_unknown(use: IntendedUse) -> str:
    """The note on an image of which nobody knows how old the patient was."""
    return f"the patient's age is unknown; the model is for patients of {use.ages}"


def _quoted(text: str) -> str:
    """A header value for a message, as long as it is a code string (PS3.5 6.2, CS) and no free text."""
    return text if re.fullmatch(r"[A-Z0-9 _]{1,16}", text) else "something else"


def _sop_class_name(ds: Dataset) -> str:
    return str(getattr(value(ds, "SOPClassUID"), "name", "unknown"))
