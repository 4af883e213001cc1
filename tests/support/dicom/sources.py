"""Headers of radiographs as modalities write them: complete, with holes, in many character sets. No pixel data.

Each is encoded and read back, so that a test sees undecoded elements as the node does.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from tests.support.dicom.part10 import undecoded

CR_STORAGE = "1.2.840.10008.5.1.4.1.1.1"
DX_STORAGE = "1.2.840.10008.5.1.4.1.1.1.1"
SC_STORAGE = "1.2.840.10008.5.1.4.1.1.7"
STUDY = "1.2.826.0.1.3680043.10.1.1"


def as_read(ds: Dataset, transfer_syntax_uid: str = ExplicitVRLittleEndian) -> Dataset:
    """`ds` written to a file and read again: every element undecoded."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(transfer_syntax_uid)
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    buffer = BytesIO()
    dcmwrite(buffer, ds, enforce_file_format=True)
    return dcmread(BytesIO(buffer.getvalue()), stop_before_pixels=True)


def _base(number: int, sop_class_uid: str, modality: str) -> Dataset:
    ds = Dataset()
    ds.SOPClassUID = sop_class_uid
    ds.StudyInstanceUID = STUDY
    ds.SeriesInstanceUID = f"{STUDY}.{number}"
    ds.SOPInstanceUID = f"{STUDY}.{number}.{number}"
    ds.Modality = modality
    ds.StudyDate, ds.StudyTime = "20261101", "101112.123"
    ds.AccessionNumber, ds.StudyID = "ACC-0001", "S1"
    ds.SeriesNumber, ds.InstanceNumber = 1, number
    ds.PatientID, ds.PatientName = "PID-1", "Doe^Jane"
    ds.PatientBirthDate, ds.PatientSex = "19600101", "F"
    ds.ReferringPhysicianName = "Ref^Doctor"
    ds.Manufacturer = "Some X-Ray maker"
    ds.Rows, ds.Columns = 512, 448
    ds.BodyPartExamined = "CHEST"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    return ds


def dx_full(number: int = 1) -> Dataset:
    """A DX with everything: UTF-8 name, issuer, request attributes, spacing, orientation."""
    ds = _base(number, DX_STORAGE, "DX")
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.PatientName = "Doe^Jané"
    ds.IssuerOfPatientID, ds.PatientAge = "HOSPITAL-A", "066Y"
    ds.StudyDescription = "Thorax p.-a. – Übersicht"
    ds.ImagerPixelSpacing, ds.PixelSpacing = [0.143, 0.143], [0.139, 0.139]
    ds.PatientOrientation, ds.ViewPosition = ["L", "F"], "PA"
    ds.TimezoneOffsetFromUTC = "+0100"
    request = Dataset()
    request.RequestedProcedureID, request.ScheduledProcedureStepID = "RP1", "SPS1"
    request.RequestedProcedureDescription = "Thorax Übersicht"
    request.AccessionNumber = "ACC-0001"
    ds.RequestAttributesSequence = [request]
    ds.private_block(0x0009, "A PRIVATE CREATOR", create=True).add_new(1, "LO", "private")
    return as_read(ds)


def cr_japanese(number: int = 2) -> Dataset:
    """A CR as Japanese modalities write it: ISO 2022 IR 87 after an empty first value, no spacing, no orientation."""
    ds = _base(number, CR_STORAGE, "CR")
    ds.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    ds.PatientName = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    ds.PatientSex = "M"
    ds.StudyDescription = "胸部単純撮影"
    ds.PatientOrientation = ""
    request = Dataset()
    request.RequestedProcedureID = "RP-J"
    request.RequestedProcedureDescription = "胸部正面"
    ds.RequestAttributesSequence = [request]
    return as_read(ds)


def cr_with_holes(number: int = 3) -> Dataset:
    """A CR that lacks most of what type 2 asks for, in Implicit VR."""
    ds = _base(number, CR_STORAGE, "CR")
    for keyword in ("PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyTime", "PatientName"):
        delattr(ds, keyword)
    for keyword in ("ReferringPhysicianName", "Manufacturer", "BodyPartExamined"):
        delattr(ds, keyword)
    return as_read(ds, ImplicitVRLittleEndian)


def cr_korean(number: int = 4) -> Dataset:
    ds = _base(number, CR_STORAGE, "CR")
    ds.SpecificCharacterSet = ["", "ISO 2022 IR 149"]
    ds.PatientName = "Hong^Gildong=洪^吉洞=홍^길동"
    ds.StudyDescription = "흉부"
    return as_read(ds)


def cr_latin1(number: int = 5) -> Dataset:
    ds = _base(number, CR_STORAGE, "CR")
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.PatientName = "Müller^Jürgen"
    ds.PatientOrientation = ["R", "F"]
    return as_read(ds)


def cr_undeclared(number: int = 6) -> Dataset:
    """Shift JIS bytes without a Specific Character Set: wrong, and common."""
    ds = _base(number, CR_STORAGE, "CR")
    ds.PatientName = "?????"
    ds = as_read(ds)
    name = "山田^太郎".encode("shift_jis")
    ds["PatientName"] = undecoded(ds, "PatientName")._replace(
        value=name + b" " * (len(name) % 2), length=len(name) + len(name) % 2
    )
    return ds


def cr_odd_sex(number: int = 7) -> Dataset:
    ds = _base(number, CR_STORAGE, "CR")
    ds.PatientSex = "U"
    return as_read(ds)


def dx_empty_orientation(number: int = 8) -> Dataset:
    ds = _base(number, DX_STORAGE, "DX")
    ds.PatientOrientation = None
    return as_read(ds)


def sc_of_cr(number: int = 9) -> Dataset:
    """A radiograph in a Secondary Capture object with Modality CR, lossy, as public challenge files are."""
    ds = _base(number, SC_STORAGE, "CR")
    ds.LossyImageCompression, ds.LossyImageCompressionRatio = "01", "9.12"
    ds.LossyImageCompressionMethod = "ISO_10918_1"
    ds.PixelSpacing = [0.168, 0.168]
    return as_read(ds)


def lateral(number: int = 10) -> Dataset:
    """An image that is declined: a lateral view."""
    ds = _base(number, DX_STORAGE, "DX")
    ds.ViewPosition = "LL"
    return as_read(ds)


SOURCES: dict[str, Callable[[], Dataset]] = {
    "DX full, UTF-8": dx_full,
    "CR Japanese": cr_japanese,
    "CR with holes": cr_with_holes,
    "CR Korean": cr_korean,
    "CR Latin-1": cr_latin1,
    "CR undeclared bytes": cr_undeclared,
    "CR odd sex": cr_odd_sex,
    "DX empty orientation": dx_empty_orientation,
    "SC with Modality CR": sc_of_cr,
}
