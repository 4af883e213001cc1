"""What can go wrong while converting: every error has a code that the ledger, the log and the console show."""


class ConverterError(Exception):
    """Something in the input made a conversion impossible."""

    code = "converter-error"


class Unreadable(ConverterError):
    """The file is neither a DICOM data set nor a PNG or JPEG image, or it ends too early."""

    code = "unreadable"


class Undecodable(ConverterError):
    """The header is readable but no decoder can read the pixel data (absent, truncated, corrupt, contradictory)."""

    code = "undecodable"


class InvalidManifest(ConverterError):
    """The manifest of a model package does not say what it must; the message names each field."""

    code = "invalid-manifest"


class Unreportable(ConverterError):
    """A result object cannot be built from this study (no Study Instance UID, findings outside 0 to 1)."""

    code = "unreportable"
