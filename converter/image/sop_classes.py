"""The storage SOP classes the node takes (PS3.4 B.5): radiographs always, sectional images where a route names them."""

from __future__ import annotations

from collections.abc import Iterable

COMPUTED_RADIOGRAPHY = "1.2.840.10008.5.1.4.1.1.1"
DIGITAL_X_RAY_FOR_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.1"
DIGITAL_X_RAY_FOR_PROCESSING = "1.2.840.10008.5.1.4.1.1.1.1.1"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"

STORAGE_CLASSES: dict[str, str] = {
    COMPUTED_RADIOGRAPHY: "Computed Radiography Image Storage",
    DIGITAL_X_RAY_FOR_PRESENTATION: "Digital X-Ray Image Storage - For Presentation",
    DIGITAL_X_RAY_FOR_PROCESSING: "Digital X-Ray Image Storage - For Processing",
    SECONDARY_CAPTURE: "Secondary Capture Image Storage",
}
# By Modality. One object is one slice; the multi-frame classes (Enhanced CT, Enhanced MR) are not taken.
SECTIONAL_CLASSES: dict[str, dict[str, str]] = {
    "CT": {CT_IMAGE: "CT Image Storage"},
    "MR": {MR_IMAGE: "MR Image Storage"},
}


# Values of Modality whose images come in classes of their own that are never negotiated (PS3.4 B.5, PS3.3 C.7.3.1.1.1).
# Any other value comes in the classes above, as a film that was scanned does.
CLASSES_NOT_TAKEN: dict[str, str] = {
    "ES": "VL Endoscopic Image Storage",
    "GM": "VL Microscopic Image Storage",
    "IO": "Digital Intra-Oral X-Ray Image Storage",
    "IVOCT": "Intravascular Optical Coherence Tomography Image Storage",
    "IVUS": "Ultrasound Image Storage",
    "MG": "Digital Mammography X-Ray Image Storage",
    "NM": "Nuclear Medicine Image Storage",
    "OCT": "Ophthalmic Tomography Image Storage",
    "OP": "Ophthalmic Photography Image Storage",
    "OPT": "Ophthalmic Tomography Image Storage",
    "PT": "Positron Emission Tomography Image Storage",
    "RF": "X-Ray Radiofluoroscopic Image Storage",
    "RTIMAGE": "RT Image Storage",
    "SM": "VL Slide-Coordinates Microscopic Image Storage",
    "US": "Ultrasound Image Storage",
    "XA": "X-Ray Angiographic Image Storage",
    "XC": "VL Photographic Image Storage",
}
# Everything that may be negotiated.
KNOWN_CLASSES: dict[str, str] = STORAGE_CLASSES | SECTIONAL_CLASSES["CT"] | SECTIONAL_CLASSES["MR"]


def storage_classes(modalities: Iterable[str]) -> dict[str, str]:
    """The classes in which images of these values of Modality come. Anything may come as Secondary Capture."""
    wanted = set(modalities)
    found = {SECONDARY_CAPTURE: STORAGE_CLASSES[SECONDARY_CAPTURE]}
    if wanted - SECTIONAL_CLASSES.keys():
        found |= STORAGE_CLASSES
    for modality, classes in SECTIONAL_CLASSES.items():
        if modality in wanted:
            found |= classes
    return found


def is_sectional(sop_class_uid: str, modality: str) -> bool:
    """Whether an image is a slice through the body, which has no view as a radiograph has one."""
    return modality in SECTIONAL_CLASSES or any(sop_class_uid in one for one in SECTIONAL_CLASSES.values())
