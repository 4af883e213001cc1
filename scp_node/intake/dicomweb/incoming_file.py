"""One DICOM file on its way from the body of an HTTP message into the store, as a C-STORE would bring it."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass

from converter.image.transfer_syntaxes import TRANSFER_SYNTAXES
from scp_node.dimse.command_set import C_STORE_RQ
from scp_node.dimse.requests import Answer, Command
from scp_node.dimse.uids import is_uid_as_sent
from scp_node.errors import CannotUnderstand, ClassNotOfContext, HilumError, InvalidInstance, SyntaxNotTaken
from scp_node.intake.dicomweb.file_meta_information import FileMeta, file_meta
from scp_node.intake.store import Context, IncomingInstance, Requestor, Store
from scp_node.telemetry.printable import printable

log = logging.getLogger(__name__)
SYNTAXES = frozenset(syntax.uid for syntax in TRANSFER_SYNTAXES)


@dataclass(frozen=True)
class Offer:
    """What is taken, and from whom: the SOP classes, the size of one data set in bytes, and the study that all files
    have to be of; any where it is empty."""

    store: Store
    sender: Requestor
    sop_class_uids: Collection[str]
    instance_bytes_max: int
    study_instance_uid: str = ""


@dataclass(frozen=True)
class FileAnswer:
    """What one file came to; the UIDs are empty where it could not be told which object it is."""

    sop_class_uid: str
    sop_instance_uid: str
    answer: Answer
    study_instance_uid: str = ""


class IncomingFile:
    """`write` takes its bytes as they come, `finish` says what it came to, `discard` leaves nothing of it."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._head = bytearray()
        self._meta: FileMeta | None = None
        self._instance: IncomingInstance | None = None
        self._refusal: HilumError | None = None
        self._bytes = 0

    def refuse(self, refusal: HilumError) -> None:
        """Whatever it holds, it is not taken."""
        self._refusal = self._refusal or refusal
        self.discard()

    def write(self, piece: memoryview) -> None:
        """Take the next bytes; of what is refused already, nothing is kept."""
        if self._refusal is not None:
            return
        if self._instance is not None:
            self._write_data_set(piece)
            return
        self._head += piece
        self._begin(is_whole=False)

    def finish(self) -> FileAnswer:
        """Durable in spool and ledger, or why not."""
        if self._refusal is None and self._instance is None:
            self._begin(is_whole=True)
        if self._refusal is not None:
            return self._refused(self._refusal)
        assert self._instance is not None and self._meta is not None
        answer = self._instance.finish()
        study = self._instance.study_instance_uid
        return FileAnswer(self._meta.sop_class_uid, self._meta.sop_instance_uid, answer, study)

    def discard(self) -> None:
        """It will not be completed. May be called again."""
        self._head.clear()
        if self._instance is not None:
            self._instance.discard()
            self._instance = None

    def _begin(self, *, is_whole: bool) -> None:
        try:
            self._meta = file_meta(bytes(self._head), is_whole=is_whole)
            if self._meta is None:
                return
            _check(self._meta, self._offer)
        except HilumError as refusal:
            self.refuse(refusal)
            return
        meta, offer = self._meta, self._offer
        command = Command(C_STORE_RQ, 0, True, meta.sop_class_uid, meta.sop_instance_uid)
        context = Context(meta.sop_class_uid, meta.transfer_syntax_uid)
        self._instance = offer.store.begin(offer.sender, context, command, offer.study_instance_uid)
        rest = bytes(memoryview(self._head)[meta.data_set_start :])
        self._head.clear()
        self._write_data_set(memoryview(rest))

    def _write_data_set(self, piece: memoryview) -> None:
        assert self._instance is not None
        self._bytes += len(piece)
        if self._bytes > self._offer.instance_bytes_max:
            most = self._offer.instance_bytes_max
            self.refuse(CannotUnderstand(f"its data set has more than {most} bytes; see receiver.instance_bytes_max"))
        elif piece:
            self._instance.write([piece])

    def _refused(self, refusal: HilumError) -> FileAnswer:
        """A refusal before the store has seen it is logged here, as the store logs its own."""
        meta = self._meta
        uid = meta.sop_instance_uid if meta is not None and is_uid_as_sent(meta.sop_instance_uid) else ""
        sop_class = meta.sop_class_uid if meta is not None and is_uid_as_sent(meta.sop_class_uid) else ""
        log.warning(
            "instance refused",
            extra={
                "sop_instance_uid": printable(uid),
                "source": self._offer.sender.source,
                "status": f"0x{refusal.dimse_status:04X}",
                "reason": str(refusal),
            },
        )
        return FileAnswer(sop_class, uid, Answer(refusal.dimse_status, str(refusal)))


def _check(meta: FileMeta, offer: Offer) -> None:
    if not is_uid_as_sent(meta.sop_instance_uid):
        raise InvalidInstance("the Media Storage SOP Instance UID is missing or is not a UID")
    if meta.sop_class_uid not in offer.sop_class_uids:
        raise ClassNotOfContext("this node does not take objects of that SOP class")
    if meta.transfer_syntax_uid not in SYNTAXES:
        raise SyntaxNotTaken("this node does not take that transfer syntax")
