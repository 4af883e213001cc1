"""A Structured Report of the spool as a page to read."""

from __future__ import annotations

from typing import Any

import pydicom

from converter.result.sr_page import sr_to_html
from scp_node.errors import PictureFailed
from scp_node.storage.spool import Spool
from scp_node.web.pictures.workshop import Workshop

REPORT_BYTES_MAX = 16 * 1024**2


def report_page(
    workshop: Workshop, arguments: dict[str, Any], blobs: list[bytes]
) -> tuple[dict[str, Any], list[bytes]]:
    """The report in the file `spool_name`, as one HTML page without script."""
    path = Spool(workshop.settings.node.data_dir / "spool").path(arguments["spool_name"])
    try:
        if path.stat().st_size > REPORT_BYTES_MAX:
            raise PictureFailed("too-large", f"the report is larger than {REPORT_BYTES_MAX} bytes")
        sr = pydicom.dcmread(path)
    except OSError as error:
        raise PictureFailed("unreadable", f"the file of the report cannot be opened: {error.strerror}") from error
    return {}, [sr_to_html(sr).encode()]
