"""The storage SOP classes the node takes (PS3.4 B.5)."""

from __future__ import annotations

COMPUTED_RADIOGRAPHY = "1.2.840.10008.5.1.4.1.1.1"
DIGITAL_X_RAY_FOR_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.1"
DIGITAL_X_RAY_FOR_PROCESSING = "1.2.840.10008.5.1.4.1.1.1.1.1"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"

STORAGE_CLASSES: dict[str, str] = {
    COMPUTED_RADIOGRAPHY: "Computed Radiography Image Storage",
    DIGITAL_X_RAY_FOR_PRESENTATION: "Digital X-Ray Image Storage - For Presentation",
    DIGITAL_X_RAY_FOR_PROCESSING: "Digital X-Ray Image Storage - For Processing",
    SECONDARY_CAPTURE: "Secondary Capture Image Storage",
}
