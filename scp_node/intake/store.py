"""What happens to one C-STORE, from its command to its status: 0x0000 is returned once file, row and job are durable.

The statuses are told in scp_node/ARCHITECTURE.md (PS3.4 B.2.3). After a refusal the rest of the data set is counted and
dropped, because a sender listens for the response only when it has sent all of it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from converter.image.encoded.byte_source import BufferedSource
from converter.image.priority import ROUTINE
from converter.image.sop_classes import KNOWN_CLASSES
from scp_node.dimse.requests import SUCCESS, Answer, Command
from scp_node.dimse.uids import is_uid_as_sent
from scp_node.errors import (
    CannotUnderstand,
    ClassNotOfContext,
    DataSetMismatch,
    DuplicateInstance,
    HilumError,
    InvalidInstance,
    NotAuthorised,
    OutOfResources,
)
from scp_node.intake.file_meta import file_head
from scp_node.intake.group_commit import GroupCommit
from scp_node.intake.header import NO_OTHER_LIMITS, InstanceHeader, WalkLimits, read_header
from scp_node.ledger.records import AddOutcome, ReceivedInstance
from scp_node.storage.blobs import Blobs, Part
from scp_node.storage.spool import instance_name
from scp_node.telemetry import metrics
from scp_node.telemetry.printable import printable

log = logging.getLogger(__name__)
LOGGED: dict[AddOutcome, str] = {
    "added": "instance stored",
    "identical": "instance already stored",
    "removed": "instance stored again that was removed",
    "changed": "new version of an instance stored",
    "returned": "earlier version of an instance is current again",
}
RankOf = Callable[[str, Mapping[str, str]], int]
"""How urgent an image is, by its source and by texts of its header (`InstanceHeader.texts`): its rank."""


def as_routine(source: str, texts: Mapping[str, str]) -> int:
    """Where nobody tells."""
    return ROUTINE


@dataclass(frozen=True)
class Requestor:
    """Who sends, and whom they called."""

    source: str
    calling_ae_title: str
    called_ae_title: str
    may_store: bool = True


@dataclass(frozen=True)
class Context:
    """An accepted presentation context."""

    abstract_syntax: str
    transfer_syntax: str


class Store:
    """Where received instances go; one for all associations."""

    def __init__(
        self,
        spool: Blobs,
        group_commit: GroupCommit,
        limits: WalkLimits = NO_OTHER_LIMITS,
        rank_of: RankOf = as_routine,
    ) -> None:
        self.spool, self.group_commit, self.limits, self.rank_of = spool, group_commit, limits, rank_of

    def begin(
        self, sender: Requestor, context: Context, command: Command, study_instance_uid: str = ""
    ) -> IncomingInstance:
        """A C-STORE-RQ has come, or what stands for one; its data set follows. Where a study is named, it has to be of
        that study."""
        return IncomingInstance(self, sender, context, command, study_instance_uid)


class IncomingInstance:
    """One data set on its way from the network into spool and ledger."""

    def __init__(
        self, store: Store, sender: Requestor, context: Context, command: Command, study_instance_uid: str
    ) -> None:
        self._store, self._sender, self._context, self._command = store, sender, context, command
        self.study_instance_uid = study_instance_uid  # once it is stored, that of its data set
        self._began = time.monotonic()
        self._part: Part | None = None
        self._refusal: HilumError | None = None
        self.bytes = 0
        try:
            _check_may_store(sender)
            _check_class(context, command)
            _check_instance_uid(command)
            store.spool.check_room()
            _check_has_data_set(command)
            self._part = self._open_part()
        except HilumError as refusal:
            self._refuse(refusal)

    def write(self, pieces: Sequence[memoryview]) -> None:
        """Take the next bytes of the data set."""
        self.bytes += sum(map(len, pieces))
        if self._part is not None:
            try:
                self._part.write(pieces)
            except OutOfResources as refusal:
                self._refuse(refusal)

    def finish(self) -> Answer:
        """The data set is complete: make it durable, enter it, and say so; or say why not."""
        try:
            if self._refusal is not None:
                raise self._refusal
            assert self._part is not None
            header = self._read_header(self._part)
            _check_agreement(header, self._command)
            self._check_study(header)
            outcome = self._enter(header)
        except HilumError as refusal:
            return self._refused(refusal)
        except Exception as error:  # noqa: BLE001  the handler ends here: whatever failed, the sender keeps the object
            return self._refused(_failed(error))
        finally:
            self.discard()
        self._log_stored(outcome, header)
        return SUCCESS

    def discard(self) -> None:
        """Leave nothing behind of a data set that was not stored."""
        if self._part is not None:
            self._part.discard()

    def _check_study(self, header: InstanceHeader) -> None:
        if self.study_instance_uid not in ("", header.study_instance_uid):
            raise DataSetMismatch("it is of another study than the one that it was sent to")
        self.study_instance_uid = header.study_instance_uid

    def _open_part(self) -> Part:
        uid = self._command.sop_instance_uid
        titles = (self._sender.calling_ae_title, self._sender.called_ae_title)
        head = file_head(self._context.abstract_syntax, uid, self._context.transfer_syntax, *titles)
        return self._store.spool.open_part(head)

    def _read_header(self, part: Part) -> InstanceHeader:
        data = BufferedSource(part.read_at, part.data_bytes)
        return read_header(data, self._context.transfer_syntax, self._store.limits)

    def _enter(self, header: InstanceHeader) -> AddOutcome:
        """Name the file, then enter row and job in one commit. Returns what was entered, raises DuplicateInstance where
        other bytes under a known UID are refused.

        The digest can be forged, so that bytes that the ledger knows are compared; a file that is lost or damaged is
        replaced by them. The name of the file is made of UID and content, so that each version has its own, and a file
        without a row never stands for other content. Such a file stays until the sender's next attempt replaces it: a
        commit that reports an error may have happened all the same, and a ledger that was lost can be restored from the
        spool.
        """
        part, store = self._part, self._store
        assert part is not None
        record = self._record(header, part)
        known = store.group_commit.outcome_if_known(record)
        is_lost = False
        if known in ("identical", "returned"):
            comparison = store.spool.compare(part, record.spool_name)
            is_lost = comparison == "lost"
            known = "conflict" if comparison == "other" else known
        is_new_content = known in (None, "changed")
        if is_new_content or is_lost or known == "removed":
            part.commit(record.spool_name)
        if is_lost:
            log.warning("spooled file was lost, replaced", extra={"sop_instance_uid": self._command.sop_instance_uid})
        if known not in ("identical", "conflict") or is_lost:
            known = store.group_commit.enter(record)
        if known == "conflict":
            if is_new_content:
                store.spool.remove(record.spool_name)
            raise DuplicateInstance("this SOP Instance UID was received with other content")
        if known == "gone":
            raise OutOfResources("an earlier file of this instance was removed just now, try again")
        assert known is not None
        return known

    def _record(self, header: InstanceHeader, part: Part) -> ReceivedInstance:
        return ReceivedInstance(
            sop_instance_uid=header.sop_instance_uid,
            sop_class_uid=header.sop_class_uid,
            study_instance_uid=header.study_instance_uid,
            series_instance_uid=header.series_instance_uid,
            transfer_syntax_uid=self._context.transfer_syntax,
            accession_number=header.accession_number,
            source=self._sender.source,
            calling_ae_title=self._sender.calling_ae_title,
            called_ae_title=self._sender.called_ae_title,
            spool_name=instance_name(header.sop_instance_uid, part.digest),
            bytes=part.data_bytes,
            digest=part.digest,
            received_at=datetime.now(UTC),
            damage="; ".join(header.notes),
            priority=self._store.rank_of(self._sender.source, header.texts),
        )

    def _refuse(self, refusal: HilumError) -> None:
        self._refusal = refusal
        self.discard()
        self._part = None

    def _refused(self, refusal: HilumError) -> Answer:
        log.warning(
            "instance refused",
            extra={
                "sop_instance_uid": printable(self._command.sop_instance_uid),
                "source": self._sender.source,
                "status": f"0x{refusal.dimse_status:04X}",
                "reason": str(refusal),
                "bytes": self.bytes,
            },
        )
        metrics.note_store(refusal.dimse_status, self.bytes, time.monotonic() - self._began)
        return Answer(refusal.dimse_status, str(refusal))

    def _log_stored(self, outcome: AddOutcome, header: InstanceHeader) -> None:
        metrics.note_store(SUCCESS.status, self.bytes, time.monotonic() - self._began)
        log.info(
            LOGGED[outcome],
            extra={
                "sop_instance_uid": self._command.sop_instance_uid,
                "source": self._sender.source,
                "transfer_syntax_uid": self._context.transfer_syntax,
                "bytes": self.bytes,
                **({"damage": "; ".join(header.notes)} if header.notes else {}),
                "took_ms": round(1000 * (time.monotonic() - self._began), 1),
            },
        )


def _check_may_store(sender: Requestor) -> None:
    if not sender.may_store:
        raise NotAuthorised("this AE title may report on storage commitment, but not send images")


def _check_class(context: Context, command: Command) -> None:
    if context.abstract_syntax not in KNOWN_CLASSES:
        raise ClassNotOfContext("the presentation context is not one of storage")
    if command.sop_class_uid != context.abstract_syntax:
        raise ClassNotOfContext("the SOP class is not that of the presentation context")


def _check_instance_uid(command: Command) -> None:
    if not is_uid_as_sent(command.sop_instance_uid):
        raise InvalidInstance("the Affected SOP Instance UID is not a UID")


def _check_has_data_set(command: Command) -> None:
    if not command.has_data_set:
        raise CannotUnderstand("the command announces no data set")


def _check_agreement(header: InstanceHeader, command: Command) -> None:
    if header.sop_class_uid != command.sop_class_uid:
        raise DataSetMismatch("SOP Class UID of data set and command differ")
    if header.sop_instance_uid != command.sop_instance_uid:
        raise DataSetMismatch("SOP Instance UID of data set and command differ")


def _failed(error: Exception) -> OutOfResources:
    """What the sender is told of an unforeseen failure; the log says where it happened."""
    log.error("instance not stored", exc_info=error)
    return OutOfResources("the instance could not be entered, try again")
