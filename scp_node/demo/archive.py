"""A small archive of our own for the demonstration and for tests: stores what it gets, byte for byte, in a folder."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset, dcmread
from pynetdicom import AE, evt
from pynetdicom.events import Event
from pynetdicom.transport import ThreadedAssociationServer

from converter.image.header import BROKEN_INPUT
from converter.image.sop_classes import STORAGE_CLASSES
from converter.product import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp_node.dimse.uids import (
    COMPREHENSIVE_3D_SR,
    COMPREHENSIVE_SR,
    EXPLICIT_LE,
    IMPLICIT_LE,
    VERIFICATION,
    is_uid,
)

_SYNTAXES = [EXPLICIT_LE, IMPLICIT_LE]
# Structured reports, secondary captures and radiographs: all that a node sends or a study holds.
STORED_CLASSES = (COMPREHENSIVE_3D_SR, COMPREHENSIVE_SR, *STORAGE_CLASSES)
_CANNOT_UNDERSTAND = 0xC000
_OUT_OF_RESOURCES = 0xA700


@dataclass(frozen=True)
class StoredObject:
    """One object as it arrived; `path` holds exactly the bytes of the data set behind our own file meta information."""

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    calling_ae_title: str

    def read(self) -> Dataset:
        return dcmread(self.path)


class EmbeddedArchive:
    """Storage SCP on the loopback interface; port 0 takes a free one, which `port` shows once it is started.

    An object that arrives twice is stored once: `stored` has one entry for each SOP Instance UID, and
    `received_count` counts every C-STORE.
    """

    def __init__(self, folder: Path, ae_title: str = "ARCHIVE", port: int = 0) -> None:
        self.folder, self.ae_title, self.port = folder, ae_title, port
        self.received_count = 0
        self._stored: dict[str, StoredObject] = {}
        self._arrived = threading.Condition()
        self._server: ThreadedAssociationServer | None = None

    def start(self) -> None:
        ae = AE(ae_title=self.ae_title)
        ae.implementation_class_uid = IMPLEMENTATION_CLASS_UID
        ae.implementation_version_name = IMPLEMENTATION_VERSION_NAME
        ae.require_called_aet = True
        for sop_class in STORED_CLASSES:
            ae.add_supported_context(sop_class, _SYNTAXES)
        ae.add_supported_context(VERIFICATION)
        handlers = [(evt.EVT_C_STORE, self._store)]
        server = ae.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)  # type: ignore[arg-type]
        assert server is not None  # only a blocking server returns nothing
        self._server, self.port = server, int(server.server_address[1])

    def stop(self) -> None:
        """Stop listening and abort what is still connected."""
        if self._server is not None:
            for association in self._server.active_associations:
                if association.is_established:
                    association.abort()
            self._server.shutdown()
            self._server = None

    @property
    def stored(self) -> tuple[StoredObject, ...]:
        """All objects so far, in order of arrival."""
        with self._arrived:
            return tuple(self._stored.values())

    def wait_for(self, predicate: Callable[[tuple[StoredObject, ...]], bool], timeout_s: float) -> bool:
        """Wait until `predicate` holds of the stored objects; False when it did not in time."""
        deadline = time.monotonic() + timeout_s
        with self._arrived:
            while not predicate(tuple(self._stored.values())):
                remaining_s = deadline - time.monotonic()
                if remaining_s <= 0 or not self._arrived.wait(remaining_s):
                    return predicate(tuple(self._stored.values()))
        return True

    def _store(self, event: Event) -> int | Dataset:
        data = event.encoded_dataset()
        try:
            header = dcmread(io.BytesIO(data), stop_before_pixels=True, specific_tags=_IDENTIFIERS)
            uids = [str(header[keyword].value) for keyword in _IDENTIFIERS]
        except BROKEN_INPUT:
            return _status(_CANNOT_UNDERSTAND, "the data set cannot be read")
        if not all(map(is_uid, uids)):  # nothing else may become part of a file name
            return _status(_CANNOT_UNDERSTAND, "a UID of the data set is not a UID")
        study, series, instance = uids
        path = self.folder / study / series / f"{instance}.dcm"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_bytes(data)
            part.replace(path)
        except OSError:
            return _status(_OUT_OF_RESOURCES, "the object cannot be written")
        sop_class = str(event.request.AffectedSOPClassUID)
        caller = str(event.assoc.requestor.ae_title).strip()
        with self._arrived:
            self.received_count += 1
            self._stored[instance] = StoredObject(path, sop_class, instance, study, caller)
            self._arrived.notify_all()
        return 0x0000


_IDENTIFIERS = ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]


def _status(status: int, comment: str) -> Dataset:
    ds = Dataset()
    ds.Status, ds.ErrorComment = status, comment
    return ds
