"""Small DICOM objects as files, for tests of transport: a report and a secondary capture with a Japanese patient."""

from __future__ import annotations

from pathlib import Path

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from converter.image.sop_classes import SECONDARY_CAPTURE
from scp_node.dimse.uids import COMPREHENSIVE_3D_SR


def small_object(sop_class_uid: str, side: int = 16) -> Dataset:
    """A data set of this class with nested sequences and an ISO 2022 name; images are `side` pixels wide."""
    ds = Dataset()
    ds.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    ds.SOPClassUID, ds.SOPInstanceUID = UID(sop_class_uid), generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.PatientName, ds.PatientID = "Yamada^Tarou=山田^太郎=やまだ^たろう", "P1"
    ds.PatientBirthDate, ds.PatientSex, ds.StudyDate, ds.StudyTime = "", "", "20260101", "101500"
    ds.AccessionNumber, ds.ReferringPhysicianName, ds.StudyID = "A1", "", "1"
    ds.SeriesNumber, ds.InstanceNumber = 1, 1
    if sop_class_uid == SECONDARY_CAPTURE:
        ds.Modality, ds.ConversionType = "OT", "WSD"
        ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
        ds.Rows = ds.Columns = side
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
        ds.PixelData = bytes(index % 251 for index in range(side * side * 3))
    else:
        name = Dataset()
        name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = "121071", "DCM", "Finding"
        text = Dataset()
        text.ValueType, text.ConceptNameCodeSequence, text.TextValue = "TEXT", [name], "山田 has none"
        ds.Modality, ds.ValueType, ds.ContentSequence = "SR", "CONTAINER", [text]
    return ds


def small_file(folder: Path, sop_class_uid: str = COMPREHENSIVE_3D_SR, side: int = 16) -> Path:
    """Such an object as a Part 10 file, Explicit VR Little Endian."""
    ds = small_object(sop_class_uid, side)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    path = folder / f"{ds.SOPInstanceUID}.dcm"
    ds.save_as(path, enforce_file_format=True)
    return path
