"""Draws axial slices of a made-up head as MR and CT write them."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.uid import CTImageStorage, MRImageStorage, generate_uid

from converter.phantom.head_slice import sketch_head_slice
from tests.support.dicom.phantoms import ROOT, make_dx

MR_ONLY = ("ScanningSequence", "SequenceVariant", "MRAcquisitionType", "EchoTime", "RepetitionTime", "EchoTrainLength")


def make_mr(seed: int = 1, instance: int = 1, rows: int = 256, **attributes: Any) -> Dataset:
    """An axial MR slice of a made-up head (PS3.3 A.4): signed 12 bits behind a rescale and a window."""
    stored = np.rint(sketch_head_slice(rows, seed) * 1500).astype(np.int16) - 200
    slice_attributes: dict[str, Any] = {
        "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND"],
        "Modality": "MR",
        "StudyDescription": "MR brain",
        "BodyPartExamined": "BRAIN",
        "ViewPosition": None,
        "Laterality": None,
        "PresentationIntentType": None,
        "PresentationLUTShape": None,
        "PixelIntensityRelationship": None,
        "PixelIntensityRelationshipSign": None,
        "ImagerPixelSpacing": None,
        "RescaleIntercept": 200,
        "RescaleSlope": 1,
        "WindowCenter": 600,
        "WindowWidth": 1200,
        "PatientPosition": "HFS",
        "FrameOfReferenceUID": generate_uid(ROOT, entropy_srcs=["phantom frame of reference", str(seed)]),
        "PositionReferenceIndicator": "",
        "ImagePositionPatient": [-120, -120, 5 * instance],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "SliceThickness": 5,
        "PixelSpacing": [0.9, 0.9],
        "ScanningSequence": "SE",
        "SequenceVariant": "NONE",
        "ScanOptions": "",
        "MRAcquisitionType": "2D",
        "EchoTime": 10,
        "RepetitionTime": 600,
        "EchoTrainLength": 1,
    }
    return make_dx(
        stored,
        seed=seed,
        instance=instance,
        bits_stored=16,
        signed=True,
        orientation=("L", "P"),
        sop_class=MRImageStorage,
        **slice_attributes | attributes,
    )


def make_ct(seed: int = 1, instance: int = 1, rows: int = 256, **attributes: Any) -> Dataset:
    """An axial CT slice of a made-up head (PS3.3 A.3): Hounsfield units behind a rescale, shown by a brain window."""
    ct: dict[str, Any] = {
        "Modality": "CT",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "StudyDescription": "CT head",
        "BodyPartExamined": "HEAD",
        "RescaleIntercept": -1024,
        "RescaleSlope": 1,
        "RescaleType": "HU",
        "WindowCenter": 40,
        "WindowWidth": 80,
        "KVP": 120,
        **dict.fromkeys(MR_ONLY),
    }
    ds = make_mr(seed, instance, rows, **ct | attributes)
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = CTImageStorage
    shown = np.clip((ds.pixel_array.astype(np.float64) + 200) / 1500, 0, 1)  # 0.45 is tissue, 0 is air
    stored = np.where(shown < 0.15, 24, 1024 + 40 + 200 * (shown - 0.45)).astype(np.int16)
    ds.PixelData = stored.tobytes()
    return ds
