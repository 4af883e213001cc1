"""The images that the bench sends: a few drawn radiographs as files, each sent any number of times under fresh UIDs."""

from __future__ import annotations

import mmap
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.uid import ComputedRadiographyImageStorage, JPEG2000Lossless

from converter.phantom.chest_sketch import sketch_chest
from tests.bench.peers.process import dcmtk_program
from tests.support.dicom.phantoms import make_dx, write_dx

# Distinct pictures of a load; every C-STORE gets UIDs of its own, so that more files would only fill the page cache.
PICTURES = 2
# All UIDs stand in front of this offset, and a UID of ours has this many characters whatever its number is.
HEAD_BYTES = 2048
UID_CHARACTERS = 40
# Grain of the pictures as a share of full scale: what JPEG lossless makes of it is as big as of a real radiograph.
NOISE = 0.001
BITS_STORED = 12
_KINDS = {"sop": 1, "study": 2, "series": 3}


@dataclass(frozen=True)
class Load:
    """A kind of image: rows and columns as drawn, and how it is encoded."""

    name: str
    what: str
    rows: int
    columns: int


DX = Load("dx", "DX 2500 x 3048, 16 bits, 12 used, explicit little endian", 3048, 2500)
DX_JPEG = Load("dx-jpeg-lossless", "the same image in JPEG lossless (1.2.840.10008.1.2.4.70)", 3048, 2500)
DX_J2K = Load("dx-jpeg-2000", "the same image in JPEG 2000 lossless (1.2.840.10008.1.2.4.90)", 3048, 2500)
CR = Load("cr", "CR 1024 x 1024, 16 bits, 12 used, explicit little endian", 1024, 1024)
SMALL = Load("small", "CR 128 x 128, only to fill queues", 128, 128)
LOADS = (DX, DX_JPEG, DX_J2K, CR, SMALL)


def uid(kind: str, number: int) -> str:
    """A UID of fixed length under 2.25: what it names (sop, study, series) and a number."""
    return f"2.25.{_KINDS[kind]}{number:0{UID_CHARACTERS - 6}d}"


def make(load: Load, folder: Path) -> list[Path]:
    """Draw the pictures of `load` into `folder`, once; returns the files."""
    paths = [folder / load.name / f"{picture}.dcm" for picture in range(PICTURES)]
    for picture, path in enumerate(paths):
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(load, picture, path)
    return paths


def _write(load: Load, picture: int, path: Path) -> None:
    changes: dict[str, Any] = {
        "sop_class": ComputedRadiographyImageStorage,
        "Modality": "CR",
        "PresentationIntentType": None,
    }
    shown = sketch_chest(load.rows, load.columns, picture + 1, NOISE)
    ds = make_dx(
        np.rint(shown * (2**BITS_STORED - 1)).astype("u2"),
        bits_stored=BITS_STORED,
        seed=picture + 1,
        SOPInstanceUID=uid("sop", picture),
        StudyInstanceUID=uid("study", picture),
        SeriesInstanceUID=uid("series", picture),
        **(changes if load in (CR, SMALL) else {}),
    )
    if load is DX_J2K:
        ds.compress(JPEG2000Lossless, generate_instance_uid=False)
    part = path.with_suffix(".part")
    write_dx(part, ds)
    if load is DX_JPEG:
        native = part.rename(path.with_suffix(".native"))
        subprocess.run([dcmtk_program("dcmcjpeg"), "+e1", "+un", str(native), str(part)], check=True)
        native.unlink()
    part.rename(path)


class Image:
    """A file in memory, ready to be sent under UIDs of any number."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        ds = dcmread(path, stop_before_pixels=True)
        self.sop_class_uid, self.transfer_syntax_uid = str(ds.SOPClassUID), str(ds.file_meta.TransferSyntaxUID)
        data_set = memoryview(self._map)[144 + int.from_bytes(self._map[140:144], "little") :]
        self._head = bytes(data_set[:HEAD_BYTES])
        self._uids = {"sop": ds.SOPInstanceUID, "study": ds.StudyInstanceUID, "series": ds.SeriesInstanceUID}
        self.rest = data_set[HEAD_BYTES:]
        self.bytes = len(data_set)
        sum(self._map[:: mmap.PAGESIZE])  # every page is in memory before a clock starts

    def head(self, number: int) -> bytes:
        """The first bytes of the data set, with the UIDs of `number`."""
        head = self._head
        for kind, was in self._uids.items():
            head = head.replace(was.encode(), uid(kind, number).encode())
        return head


@cache
def images(load: Load, folder: Path) -> list[Image]:
    """The pictures of `load`, made if they are not there."""
    return [Image(path) for path in make(load, folder)]
