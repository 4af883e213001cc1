"""A modality of a test: sends objects with pynetdicom's own SCU and tells how each was answered."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from pydicom import Dataset
from pynetdicom import AE
from pynetdicom.association import Association

CALLING_AE_TITLE = "MODALITY"
TIMEOUT_S = 30


def store(
    port: int,
    objects: Iterable[Dataset],
    *,
    calling: str = CALLING_AE_TITLE,
    called: str = "HILUM",
    host: str = "127.0.0.1",
) -> list[int | None]:
    """C-STORE `objects` over one association; the status of each, None where no answer came."""
    datasets = list(objects)
    ae = AE(ae_title=calling)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = TIMEOUT_S
    for sop_class, syntax in sorted({(ds.SOPClassUID, ds.file_meta.TransferSyntaxUID) for ds in datasets}):
        ae.add_requested_context(sop_class, syntax)
    assoc = ae.associate(host, port, ae_title=called)
    if not assoc.is_established:
        return [None] * len(datasets)
    try:
        return [_store_one(assoc, ds) for ds in datasets]
    finally:
        if assoc.is_established:
            assoc.release()


def store_until_stored(
    port: int, objects: Sequence[Dataset], attempts: int = 100, wait_s: float = 0.3, host: str = "127.0.0.1"
) -> None:
    """Send as a modality does: again and again until each object was answered with 0x0000."""
    waiting = list(objects)
    for _ in range(attempts):
        statuses = store(port, waiting, host=host)
        waiting = [ds for ds, status in zip(waiting, statuses, strict=True) if status != 0x0000]
        if not waiting:
            return
        time.sleep(wait_s)
    raise AssertionError(f"{len(waiting)} objects were never stored")


def _store_one(assoc: Association, ds: Dataset) -> int | None:
    # pynetdicom's own loop may take the response of a fast peer before the caller looks for it: hold it first.
    assoc._reactor_checkpoint.clear()
    time.sleep(0.01)
    try:
        response = assoc.send_c_store(ds)
    except (RuntimeError, ValueError, OSError):
        return None
    return int(response.Status) if "Status" in response else None
