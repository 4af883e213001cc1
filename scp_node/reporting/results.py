"""Result objects, durable in the spool before the ledger names them."""

from __future__ import annotations

import hashlib

from pydicom import Dataset

from converter.result.encode import to_bytes
from converter.result.kinds.content import ReportedImage
from scp_node.ledger import NewResult
from scp_node.storage.blobs import SpoolFiles
from scp_node.storage.spool import result_name


def store_result(spool: SpoolFiles, ds: Dataset, kind: str, source: ReportedImage | None = None) -> NewResult:
    """Make a result durable under a name that no received instance can have. `source`: the image it was drawn over."""
    data = to_bytes(ds)
    name = result_name(str(ds.SOPInstanceUID))
    spool.put(name, data)
    return NewResult(
        sop_instance_uid=str(ds.SOPInstanceUID),
        sop_class_uid=str(ds.SOPClassUID),
        series_instance_uid=str(ds.SeriesInstanceUID),
        kind=kind,
        spool_name=name,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        source_instance_uid=source.sop_instance_uid if source else None,
        source_version=source.version if source else None,
        judged_at=source.judged_at if source else None,
    )
