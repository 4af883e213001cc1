"""A file that is cut, at whatever byte, says that it ends early, or is read as far as it goes: it is never called
something else."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    SecondaryCaptureImageStorage,
)

from converter.errors import Unreadable
from converter.image.image_file import read_header, read_image
from converter.image.open_file import OpenFile

SYNTAXES = (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    JPEGBaseline8Bit,
)
SIDE = 12


def made(syntax: str) -> bytes:
    """A file as img2dcm makes them, small enough to be cut at each of its bytes."""
    pixels = np.random.default_rng(1).integers(0, 255, (SIDE, SIDE), np.uint8)
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3.4"
    ds.PatientName, ds.PatientID, ds.StudyInstanceUID, ds.SeriesInstanceUID = "A^B", "1", "1.2.3", "1.2.3.5"
    ds.Modality, ds.InstanceNumber, ds.RequestAttributesSequence = "OT", 1, [Dataset()]
    ds.RequestAttributesSequence[0].ScheduledProcedureStepID = "7"
    ds.Rows = ds.Columns = SIDE
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit, ds.PixelRepresentation = 7, 0
    ds.PixelData = pixels.tobytes()
    if syntax == JPEGBaseline8Bit:
        ds.PixelData = encapsulate([cv2.imencode(".jpg", pixels)[1].tobytes()])
        ds["PixelData"].is_undefined_length = True
    ds["PixelData"].VR = "OB"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    written = io.BytesIO()
    pydicom.dcmwrite(written, ds, enforce_file_format=True)
    return written.getvalue()


def test_the_whole_files_are_read() -> None:
    for syntax in SYNTAXES:
        assert pydicom.dcmread(io.BytesIO(made(syntax))).Rows == SIDE


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: str(pydicom.uid.UID(syntax).keyword))
def test_a_file_cut_at_any_byte_says_so_or_is_read_as_far_as_it_goes(tmp_path: Path, syntax: str) -> None:
    content, path, silent = made(syntax), tmp_path / "cut.dcm", []
    path.write_bytes(content)
    with path.open("r+b") as file:
        for size in range(len(content) - 1, -1, -1):
            file.truncate(size)
            for read in (read_image, read_header):
                try:
                    ds = read(OpenFile(file.fileno()))
                except Unreadable as error:
                    if "ends early" not in str(error) and "ends too early" not in str(error):
                        silent.append((size, str(error)))
                else:
                    assert isinstance(ds, Dataset)
                    assert ds.SOPClassUID == SecondaryCaptureImageStorage, size
    assert not silent


def test_a_file_cut_within_a_fragment_is_not_said_to_be_no_image(tmp_path: Path) -> None:
    path = tmp_path / "cut.dcm"
    path.write_bytes(made(JPEGBaseline8Bit)[:-200])
    with pytest.raises(Unreadable, match="the file ends early: a part of it is missing"):
        read_image(path)
    assert read_header(path).Rows == SIDE


def test_a_data_set_that_is_whole_and_no_image_is_still_called_so(tmp_path: Path) -> None:
    path = tmp_path / "whole.dcm"
    ds = Dataset()
    ds.PatientID, ds.StudyInstanceUID, ds.file_meta = "1", "1.2.3", FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    pydicom.dcmwrite(path, ds, implicit_vr=False, little_endian=True)
    with pytest.raises(Unreadable, match="has no SOP Class UID"):
        read_image(path)
