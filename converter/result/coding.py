"""Every coded concept that our results use, as one table that a test walks."""

from __future__ import annotations

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from converter.package.concept import Concept
from converter.result.place import Side
from converter.result.wording import plain

# document (TID 1500, TID 1204, TID 1001)
IMAGING_MEASUREMENT_REPORT = Code("126000", "DCM", "Imaging Measurement Report")
DIAGNOSTIC_IMAGING_REPORT = Code("18748-4", "LN", "Diagnostic Imaging Report")
IMAGING_PROCEDURE = Code("363679005", "SCT", "Imaging procedure")
IMAGING_MEASUREMENTS = Code("126010", "DCM", "Imaging Measurements")
QUALITATIVE_EVALUATIONS = Code("C0034375", "UMLS", "Qualitative Evaluations")
PROCEDURE_REPORTED = Code("121058", "DCM", "Procedure reported")
SUMMARY = Code("121111", "DCM", "Summary")
ENGLISH = Code("en", "RFC5646", "English")
DEVICE = Code("121007", "DCM", "Device")
COMMENT = Code("121106", "DCM", "Comment")

# measurement group (TID 1410, TID 4019)
MEASUREMENT_GROUP = Code("125007", "DCM", "Measurement Group")
TRACKING_IDENTIFIER = Code("112039", "DCM", "Tracking Identifier")
TRACKING_UNIQUE_IDENTIFIER = Code("112040", "DCM", "Tracking Unique Identifier")
FINDING = Code("121071", "DCM", "Finding")
IMAGE_REGION = Code("111030", "DCM", "Image Region")
MEASUREMENT_METHOD = Code("370129005", "SCT", "Measurement Method")
CLASS_ACTIVATION = Code("130402", "DCM", "Class activation")
PROBABILITY = Code("122157", "DCM", "Probability")
PERCENT = Code("%", "UCUM", "Percent")
PRESENT = Code("52101004", "SCT", "Present")
ABSENT = Code("272519000", "SCT", "Absent")
FINDING_SITE = Code("363698007", "SCT", "Finding Site")
LUNG = Code("39607008", "SCT", "Lung")
LATERALITY = Code("272741003", "SCT", "Laterality")
RIGHT = Code("24028007", "SCT", "Right")
LEFT = Code("7771000", "SCT", "Left")
BILATERAL = Code("51440002", "SCT", "Bilateral")
ILLUSTRATION_OF_ROI = Code("121200", "DCM", "Illustration of ROI")
ALGORITHM_NAME = Code("111001", "DCM", "Algorithm Name")
ALGORITHM_VERSION = Code("111003", "DCM", "Algorithm Version")
ALGORITHM_PARAMETERS = Code("111002", "DCM", "Algorithm Parameters")
ARTIFICIAL_INTELLIGENCE = Code("123110", "DCM", "Artificial Intelligence")

# images that were not analysed (CID 6042 Status of Results)
SUMMARY_OF_ANALYSES = Code("111065", "DCM", "Summary of Analyses")
NOT_ATTEMPTED = Code("111225", "DCM", "Not Attempted")
SOURCE = Code("260753009", "SCT", "Source")

# image library (TID 1600, TID 1602, TID 1603)
IMAGE_LIBRARY = Code("111028", "DCM", "Image Library")
IMAGE_LIBRARY_GROUP = Code("126200", "DCM", "Image Library Group")
MODALITY = Code("121139", "DCM", "Modality")
PIXEL_DATA_ROWS = Code("110910", "DCM", "Pixel Data Rows")
PIXEL_DATA_COLUMNS = Code("110911", "DCM", "Pixel Data Columns")
PIXELS = Code("{pixels}", "UCUM", "Pixels")
PATIENT_ORIENTATION_ROW = Code("111044", "DCM", "Patient Orientation Row")
PATIENT_ORIENTATION_COLUMN = Code("111043", "DCM", "Patient Orientation Column")
HORIZONTAL_PIXEL_SPACING = Code("111026", "DCM", "Horizontal Pixel Spacing")
VERTICAL_PIXEL_SPACING = Code("111066", "DCM", "Vertical Pixel Spacing")
MILLIMETER = Code("mm", "UCUM", "mm")

# provenance and derivation (CID 7005, CID 7202)
PROCESSING_EQUIPMENT = Code("109102", "DCM", "Processing Equipment")
SOURCE_IMAGE_FOR_PROCESSING = Code("121322", "DCM", "Source image for image processing operation")

# of a paired organ (CID 244)
LATERALITIES: dict[Side, Code] = {"right": RIGHT, "left": LEFT, "both": BILATERAL}

ALL: tuple[Code, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Code))

# CID 29 Acquisition Modality: the value of the attribute Modality is the code value
_MODALITIES: dict[str, Code] = {
    code.value: code for code in (getattr(codes.cid29, keyword) for keyword in codes.cid29.dir())
}


def finding_code(concept: Concept) -> Code:
    """The concept of a model package as a code; its meaning is kept to characters that every character set has."""
    return Code(concept.value, concept.scheme, plain(concept.meaning)[:64])


def modality_code(modality: str) -> Code | None:
    """The code of CID 29 for a value of the attribute Modality, or None when there is none."""
    return _MODALITIES.get(modality)
