"""DCMTK's `dcm2pnm` as a second opinion on how an image is shown."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from tests.support.dicom.phantoms import write_dx


def shown_by_dcmtk(path: Path, folder: Path, *options: str) -> NDArray[np.uint16]:
    """The first frame of `path` as dcm2pnm shows it, overlays off, 0..65535; colour as RGB."""
    picture = folder / "shown.pnm"
    command = ["dcm2pnm", "--no-overlays", "--write-16-bit-pnm", *options, str(path), str(picture)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    pixels: Any = cv2.imread(str(picture), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR)
    picture.unlink()
    samples = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    shown: NDArray[np.uint16] = samples.astype(np.uint16)
    return shown * np.uint16(257) if samples.dtype == np.uint8 else shown


def uncompressed(ds: Dataset, frame: NDArray[Any], path: Path) -> Path:
    """`ds` with the first frame's stored values as native pixel data, for a program that knows few codecs."""
    for keyword in ("NumberOfFrames", "ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if keyword in ds:
            delattr(ds, keyword)
    ds.PixelData = np.ascontiguousarray(frame).tobytes()
    ds["PixelData"].VR = "OW" if frame.dtype.itemsize == 2 else "OB"
    ds["PixelData"].is_undefined_length = False
    if ds.SamplesPerPixel == 3:
        ds.PlanarConfiguration = 0
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPInstanceUID = UID(ds.get("SOPInstanceUID") or "2.25.1")
    return write_dx(path, ds)
