"""Tests of Hilum. Folders of `unit` mirror the rooms of the code; what tests share is in `support`."""

import contextlib
import os
import zlib  # noqa: F401 - before gdcm, see converter/image/gdcm.py

with contextlib.suppress(ImportError):
    import gdcm  # noqa: F401 - as a second opinion through pydicom, from which converter/__init__.py would hide it

# Debian keeps Orthanc and mkfs.ext4 where only root looks.
os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
