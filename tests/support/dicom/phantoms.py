"""Makes DICOM images of phantoms with any feature that a real file might have.

`make_dx()` is a plain, valid DX For Presentation image of a made-up patient; every keyword of the standard may be given
to override or (None) remove an attribute: `make_dx(BodyPartExamined="HAND", ViewPosition=None)`.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import DataElement, Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    generate_uid,
)

from converter.phantom.chest_sketch import sketch_chest

NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)
ROOT = "2.25."


def make_dx(
    pixels: NDArray[Any] | None = None,
    *,
    rows: int = 512,
    columns: int = 420,
    seed: int = 1,
    instance: int = 1,
    bits_allocated: int = 16,
    bits_stored: int = 12,
    signed: bool = False,
    photometric: str = "MONOCHROME2",
    orientation: tuple[str, str] = ("L", "F"),
    transfer_syntax: str = ExplicitVRLittleEndian,
    sop_class: str = DigitalXRayImageStorageForPresentation,
    **attributes: Any,
) -> Dataset:
    """A DX image with file meta, as a radiography system would send it.

    Without `pixels` a chest of `seed` is drawn, stored in the given photometric interpretation and orientation.
    Equal `seed` means the same study and series; `instance` tells its images apart.
    """
    if pixels is None:
        shown = from_upright(sketch_chest(rows, columns, seed), orientation)
        shown = 1 - shown if photometric == "MONOCHROME1" else shown
        stored = np.rint(shown * (2**bits_stored - 1)).astype(np.int64) - (2 ** (bits_stored - 1) if signed else 0)
        pixels = stored.astype(f"{'i' if signed else 'u'}{bits_allocated // 8}")
    ds = _patient_and_study(seed, instance, sop_class)
    _describe_pixels(ds, pixels, bits_allocated, bits_stored, signed, photometric)
    ds.PatientOrientation = list(orientation)
    ds.file_meta = FileMetaDataset()
    _encode(ds, pixels, UID(transfer_syntax))
    for keyword, value in attributes.items():
        if value is not None:
            setattr(ds, keyword, value)
        elif keyword in ds:
            delattr(ds, keyword)
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    return ds


def write_dx(path: Path, ds: Dataset) -> Path:
    """Save as a Part 10 file and return its path."""
    ds.save_as(path, enforce_file_format=True)
    return path


def compress_with(ds: Dataset, transfer_syntax: str, codestream: bytes | bytearray) -> None:
    """Replace the pixel data by one codestream in `transfer_syntax`."""
    ds.PixelData = encapsulate([bytes(codestream)])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = UID(transfer_syntax)
    ds.LossyImageCompression = "01"


def from_upright(pixels: NDArray[Any], orientation: tuple[str, str]) -> NDArray[Any]:
    """How a scanner whose rows run towards `orientation[0]` and columns towards `orientation[1]` stores the film."""
    row_direction, column_direction = orientation
    if row_direction in "HF":
        pixels = pixels.T
        row_direction, column_direction = column_direction, row_direction
        pixels = pixels[:, ::-1] if column_direction == "H" else pixels
        pixels = pixels[::-1] if row_direction == "R" else pixels
    else:
        pixels = pixels[:, ::-1] if row_direction == "R" else pixels
        pixels = pixels[::-1] if column_direction == "H" else pixels
    return np.ascontiguousarray(pixels)


def lut_item(entries: NDArray[Any], first_mapped: int = 0, bits: int = 16) -> Dataset:
    """An item of a Modality LUT or VOI LUT Sequence (PS3.3 C.11.1, C.11.2); a negative first value becomes SS."""
    item = Dataset()
    count = 0 if len(entries) == 65536 else len(entries)
    item.add_new("LUTDescriptor", "SS" if first_mapped < 0 else "US", [count, first_mapped, bits])
    item.add_new("LUTData", "OW", np.asarray(entries, "<u2").tobytes())
    return item


def _patient_and_study(seed: int, instance: int, sop_class: str) -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.SOPClassUID = sop_class
    ds.SOPInstanceUID = generate_uid(ROOT, entropy_srcs=["phantom instance", str(seed), str(instance)])
    ds.StudyInstanceUID = generate_uid(ROOT, entropy_srcs=["phantom study", str(seed)])
    ds.SeriesInstanceUID = generate_uid(ROOT, entropy_srcs=["phantom series", str(seed)])
    ds.StudyDate = ds.ContentDate = "20250102"
    ds.StudyTime = ds.ContentTime = "101010"
    ds.AccessionNumber = f"ACC{seed:06d}"
    ds.Modality = "DX"
    ds.PresentationIntentType = "FOR PRESENTATION"
    ds.Manufacturer = "Phantom Works"
    ds.ReferringPhysicianName = ""
    ds.StudyDescription = "Chest PA"
    ds.PatientName = f"Phantom^Test{seed:05d}"
    ds.PatientID = f"PHANTOM{seed:06d}"
    ds.PatientBirthDate = "20210401"
    ds.PatientSex = "O"
    ds.PatientAge = "003Y"
    ds.BodyPartExamined = "CHEST"
    ds.ViewPosition = "PA"
    ds.StudyID = "1"
    ds.SeriesNumber = 1
    ds.InstanceNumber = instance
    ds.Laterality = ""
    return ds


def _describe_pixels(
    ds: Dataset, pixels: NDArray[Any], bits_allocated: int, bits_stored: int, signed: bool, photometric: str
) -> None:
    ds.SamplesPerPixel = 3 if photometric in ("RGB", "YBR_FULL", "YBR_FULL_422") else 1
    ds.PhotometricInterpretation = photometric
    if ds.SamplesPerPixel == 3:
        ds.PlanarConfiguration = 0
    shape = pixels.shape[:-1] if ds.SamplesPerPixel == 3 else pixels.shape
    if len(shape) == 3:
        ds.NumberOfFrames = shape[0]
    ds.Rows, ds.Columns = shape[-2:]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = bits_allocated, bits_stored, bits_stored - 1
    ds.PixelRepresentation = int(signed)
    ds.ImagerPixelSpacing = ds.PixelSpacing = [0.14, 0.14]
    ds.PixelIntensityRelationship = "LOG"
    ds.PixelIntensityRelationshipSign = -1 if photometric != "MONOCHROME1" else 1
    ds.BurnedInAnnotation = "NO"
    ds.LossyImageCompression = "00"
    if ds.SamplesPerPixel == 1:
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = 0, 1, "US"
        ds.PresentationLUTShape = "INVERSE" if photometric == "MONOCHROME1" else "IDENTITY"
        ds.WindowCenter = 0 if signed else 2 ** (bits_stored - 1)
        ds.WindowWidth = 2**bits_stored


def _encode(ds: Dataset, pixels: NDArray[Any], transfer_syntax: UID) -> None:
    little = np.ascontiguousarray(pixels).astype(pixels.dtype.newbyteorder("<"))
    ds["PixelData"] = _pixel_element(little.tobytes(), ds.BitsAllocated)
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if transfer_syntax in NATIVE:
        ds.file_meta.TransferSyntaxUID = transfer_syntax
        if transfer_syntax == ExplicitVRBigEndian:
            # 8-bit pixels are written as OB, which has no byte order
            ds["PixelData"] = _pixel_element(little.byteswap().tobytes(), ds.BitsAllocated)
    elif transfer_syntax == JPEGBaseline8Bit:
        compress_with(ds, transfer_syntax, _jpeg_baseline(pixels))
    else:
        ds.compress(transfer_syntax, generate_instance_uid=False)


def _pixel_element(data: bytes, bits_allocated: int) -> DataElement:
    return DataElement(0x7FE00010, "OW" if bits_allocated > 8 else "OB", data + b"\0" * (len(data) % 2))


def _jpeg_baseline(pixels: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95)
    return file.getvalue()
