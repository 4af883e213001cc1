"""A computed chest radiograph as a DICOM object: of nobody, free to ship. The demonstration sends it.

The patient is a child, because the shipped model is for children; what is drawn has the proportions of a grown-up.
"""

from __future__ import annotations

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from converter.phantom.chest import BITS_STORED, draw_radiograph
from converter.phantom.shapes import PIXEL_CM
from converter.product import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

PATIENT_NAME, PATIENT_ID = "EXAMPLE^RADIOGRAPH", "HILUM-DEMO-1"
STUDY_INSTANCE_UID = "2.25.77003311201517483209711230148867541801"
SERIES_INSTANCE_UID = "2.25.77003311201517483209711230148867541802"
SOP_INSTANCE_UID = "2.25.77003311201517483209711230148867541803"


def example_radiograph() -> Dataset:
    """A DX For Presentation image, 12 bits, MONOCHROME2 (PS3.3 A.26), the same on every run."""
    ds = Dataset()
    _add_patient_and_study(ds)
    _add_series(ds)
    _add_acquisition(ds)
    _add_image(ds)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    ds.file_meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    return ds


def _add_patient_and_study(ds: Dataset) -> None:
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.PatientName, ds.PatientID = PATIENT_NAME, PATIENT_ID
    ds.PatientBirthDate, ds.PatientSex, ds.PatientAge = "20210101", "O", "004Y"
    ds.PatientComments = "Computed picture. There is no such patient."
    ds.StudyInstanceUID, ds.StudyID = STUDY_INSTANCE_UID, "DEMO"
    ds.StudyDate, ds.StudyTime, ds.AccessionNumber = "20250601", "101500", "DEMO-1"
    ds.StudyDescription, ds.ReferringPhysicianName = "Computed chest radiograph", ""


def _add_series(ds: Dataset) -> None:
    ds.SeriesInstanceUID, ds.SeriesNumber = SERIES_INSTANCE_UID, 1
    ds.Modality, ds.PresentationIntentType = "DX", "FOR PRESENTATION"
    ds.BodyPartExamined = "CHEST"
    # Not our own name: what this node makes, it does not analyse.
    ds.Manufacturer, ds.ManufacturerModelName, ds.DeviceSerialNumber = "Computed example", "Thorax", "1"
    ds.SoftwareVersions = IMPLEMENTATION_VERSION_NAME


def _add_acquisition(ds: Dataset) -> None:
    """DX Anatomy Imaged, DX Positioning, DX Detector, Acquisition Context (PS3.3 C.8.11.2, .4, .5; C.7.6.14)."""
    region = _coded("816094009", "SCT", "Chest")
    ds.AnatomicRegionSequence, ds.ImageLaterality = [region], "U"
    ds.ViewPosition, ds.PositionerType = "PA", ""
    view = _coded("272479007", "SCT", "Postero-anterior")
    view.ViewModifierCodeSequence = []
    ds.ViewCodeSequence = [view]
    ds.DetectorType = "SCINTILLATOR"
    ds.ImagerPixelSpacing = [f"{10 * PIXEL_CM:.2f}"] * 2
    ds.AcquisitionContextSequence = []


def _add_image(ds: Dataset) -> None:
    pixels = draw_radiograph()
    ds.SOPClassUID, ds.SOPInstanceUID = DigitalXRayImageStorageForPresentation, SOP_INSTANCE_UID
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.InstanceNumber, ds.PatientOrientation = 1, ["L", "F"]
    ds.AcquisitionDate, ds.AcquisitionTime = ds.StudyDate, ds.StudyTime
    ds.ContentDate, ds.ContentTime = ds.StudyDate, ds.StudyTime
    ds.ImageComments = "Computed picture, not a radiograph of a person"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = pixels.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, BITS_STORED, BITS_STORED - 1, 0
    ds.PixelIntensityRelationship, ds.PixelIntensityRelationshipSign = "LOG", -1
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "0", "1", "US"
    ds.PresentationLUTShape = "IDENTITY"
    ds.WindowCenter, ds.WindowWidth = "2048", "4096"
    ds.LossyImageCompression, ds.BurnedInAnnotation = "00", "NO"
    ds.PixelData = pixels.astype("<u2").tobytes()


def _coded(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item
