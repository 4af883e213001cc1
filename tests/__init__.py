"""Tests of Hilum. Folders of `unit` mirror the rooms of the code; what tests share is in `support`."""

import contextlib
import zlib  # noqa: F401 - before gdcm, see converter/image/gdcm.py

with contextlib.suppress(ImportError):
    import gdcm  # noqa: F401 - as a second opinion through pydicom, from which converter/__init__.py would hide it
