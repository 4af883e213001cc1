"""How this product names itself in DICOM objects, so that it recognises its own results when they come back."""

MANUFACTURER = "Hilum"
MODEL_NAME = "Hilum"
# Root of the device and result UIDs is 2.25 (UUID-derived, PS3.5 B.2); all are uuid5 values under this name space.
UUID_NAMESPACE = "6f6a5f0e-6a57-5d0c-9d0e-2f1f3f0f8a11"
# Series Descriptions of results, and what they began with in releases before 0.2.
DESCRIPTION_START, DESCRIPTION_END = "AI ", "(research)"
DESCRIPTION_START_BEFORE = "AI research:"
# What both ends of an association say about the software behind them (PS3.7 D.3.3.2): 16 characters at most.
IMPLEMENTATION_CLASS_UID = "2.25.154164450050304277021374231953258778611"
IMPLEMENTATION_VERSION_NAME = "HILUM_0_1"


def describes_result(series_description: str) -> bool:
    """Whether a Series Description is one of this product's, in whatever letters an archive keeps it."""
    found = series_description.upper()
    is_new = found.startswith(DESCRIPTION_START) and found.endswith(DESCRIPTION_END.upper())
    return is_new or found.startswith(DESCRIPTION_START_BEFORE.upper())
