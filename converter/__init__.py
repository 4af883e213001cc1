"""Pure functions in both directions: radiograph to model input, model output to DICOM result."""

import sys

# pydicom loads python-gdcm as soon as it is imported, and with it an OpenSSL 1.1.1k that its wheel carries. Nothing of
# this product needs either of them but a decoder of last resort (converter/image/gdcm.py), which undoes this line in
# the process that decodes. For pydicom the package is not there.
sys.modules.setdefault("gdcm", None)  # type: ignore[arg-type]
