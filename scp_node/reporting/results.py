"""Result objects, durable in the spool before the ledger names them."""

from __future__ import annotations

import hashlib

from pydicom import Dataset

from converter.result.encode import to_bytes
from scp_node.ledger import NewResult
from scp_node.storage.spool_files import SpoolFiles


def store_result(spool: SpoolFiles, ds: Dataset, kind: str, source_instance_uid: str | None = None) -> NewResult:
    """Make a result durable under a name that no received instance can have."""
    data = to_bytes(ds)
    name = hashlib.sha256(f"result:{ds.SOPInstanceUID}".encode()).hexdigest()
    spool.put(name, data)
    return NewResult(
        sop_instance_uid=str(ds.SOPInstanceUID),
        sop_class_uid=str(ds.SOPClassUID),
        series_instance_uid=str(ds.SeriesInstanceUID),
        kind=kind,
        spool_name=name,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        source_instance_uid=source_instance_uid,
    )
