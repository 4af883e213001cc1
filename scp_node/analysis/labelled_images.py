"""Which image of a folder a row of the label file means, and what its header adds to the row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydicom import Dataset

from converter.errors import Unreadable
from converter.evaluation.labels import Label
from converter.image.age import age_in_years
from converter.image.header import value, word
from converter.image.image_file import read_header
from converter.image.views import named_view
from scp_node.telemetry.printable import on_one_line

SEXES = ("M", "F", "O")
ORIGIN_CHARACTERS_MAX = 128


@dataclass(frozen=True)
class LabelledImage:
    """`label` completed from the header; may_be_shown: no text is known to be burnt into the pixels. origin: where it
    was made, by the institution and the maker in its header, else the folder that it lies in."""

    path: Path
    label: Label
    may_be_shown: bool = True
    origin: str = ""


@dataclass(frozen=True)
class Matched:
    """unlabelled: images without a row. without_image: rows without an image, each with why."""

    images: tuple[LabelledImage, ...]
    unlabelled: tuple[Path, ...]
    without_image: tuple[tuple[Label, str], ...]


def match(folder: Path, paths: Sequence[Path], labels: Sequence[Label]) -> Matched:
    """Give each row its image: by path, by a file name that only one image has, or by SOP Instance UID.

    Headers are read of DICOM files only: of the rows' images, and of all where a row names none but a UID.
    """
    by_path = {path.relative_to(folder).as_posix(): path for path in paths}
    by_name: dict[str, list[Path]] = defaultdict(list)
    for one in paths:
        by_name[one.name].append(one)
    by_uid = _by_uid(paths) if any(not label.file for label in labels) else {}
    found: dict[Path, Label] = {}
    missing: list[tuple[Label, str]] = []
    for label in labels:
        path, why = _place(label, by_path, by_name, by_uid)
        if path is None:
            missing.append((label, why))
        elif path in found:
            missing.append((label, f"the same image as in line {found[path].line}"))
        else:
            found[path] = label
    images: list[LabelledImage] = []
    for path, label in found.items():
        ds = _header(path)
        if ds is not None and label.sop_instance_uid not in ("", _uid(ds)):
            missing.append((label, "the SOP Instance UID of this file is another one"))
        else:
            image = completed(path, label, ds)
            images.append(replace(image, origin=image.origin or path.parent.relative_to(folder).as_posix()))
    return Matched(tuple(images), tuple(path for path in paths if path not in found), tuple(missing))


def completed(path: Path, label: Label, ds: Dataset | None) -> LabelledImage:
    """What the label file leaves open, from the header. The Patient ID only says which images belong together."""
    if ds is None:
        return LabelledImage(path, label)
    view, sex = named_view(ds), word(ds, "PatientSex")
    return LabelledImage(
        path,
        replace(
            label,
            patient=label.patient or str(value(ds, "PatientID") or ""),
            view=label.view or (view.word if view else ""),
            sex=label.sex or (sex if sex in SEXES else ""),
            age_years=age_in_years(ds) if label.age_years is None else label.age_years,
        ),
        may_be_shown=word(ds, "BurnedInAnnotation") != "YES",
        origin=_origin(ds),
    )


def _origin(ds: Dataset) -> str:
    """Institution and maker of the device, as far as the header states them, without a line break."""
    stated = [str(value(ds, keyword) or "").strip() for keyword in ("InstitutionName", "Manufacturer")]
    return on_one_line(", ".join(one for one in stated if one))[:ORIGIN_CHARACTERS_MAX]


def _place(
    label: Label, by_path: Mapping[str, Path], by_name: Mapping[str, Sequence[Path]], by_uid: Mapping[str, list[Path]]
) -> tuple[Path | None, str]:
    if label.file:
        if label.file in by_path:
            return by_path[label.file], ""
        candidates = by_name.get(label.file, ())
    else:
        candidates = by_uid.get(label.sop_instance_uid, ())
    if len(candidates) == 1:
        return candidates[0], ""
    return None, f"{len(candidates)} images are called so: give the path" if candidates else "no such image"


def _by_uid(paths: Sequence[Path]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        ds = _header(path)
        if ds is not None:
            found[_uid(ds)].append(path)
    return found


def _uid(ds: Dataset) -> str:
    return str(value(ds, "SOPInstanceUID") or "")


def _header(path: Path) -> Dataset | None:
    try:
        return read_header(path)
    except Unreadable:
        return None
