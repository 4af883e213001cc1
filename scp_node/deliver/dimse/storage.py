"""C-STORE SCU for results: one association per destination, kept open while results follow each other (PS3.4 B)."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import replace

from scp_node.deliver.dimse.association import Association
from scp_node.deliver.dimse.negotiation import Proposal
from scp_node.deliver.dimse.peer import peer_of
from scp_node.deliver.dimse.results import RESULT_PROPOSALS
from scp_node.deliver.dimse.statuses import row_of_status
from scp_node.deliver.kind import Destination, KeptConnection
from scp_node.deliver.outcomes import PeerFault, SendOutcome, not_sent
from scp_node.deliver.part10 import CONVERTIBLE, NotPart10, Part10File, dataset_stream
from scp_node.deliver.result_objects import RESULT_CLASSES

# What a kept association may die of between two results (the archive restarted, or cleans up idle associations).
_STALE = {"connection-lost", "aborted"}


def accepts(sop_class_uid: str) -> bool:
    """Whether results of this class are proposed to remote AEs; what an archive takes of them, it says itself."""
    return sop_class_uid in RESULT_CLASSES


def send(to: Destination, file: Part10File) -> SendOutcome:
    """C-STORE over the association that is kept for the destination."""
    return to.kept(KeptAssociation).store(file)


class KeptAssociation(KeptConnection):
    """The association with one remote AE, if one is open. Objects go over it one after the other."""

    def __init__(self, to: Destination) -> None:
        self._peer = peer_of(to.settings, to.remote)
        self._who = f"{to.name} ({self._peer})"
        self._keep_open_s = to.settings.delivery.keep_open_s
        self._lock = threading.Lock()
        self._association: Association | None = None
        self._used_at = 0.0

    def store(self, file: Part10File) -> SendOutcome:
        """One attempt; a kept association that turns out to be dead costs a second one on a fresh association."""
        with self._lock:
            try:
                return self._store_on_a_living_association(file)
            except PeerFault as fault:
                return not_sent(fault.code, fault.detail, who=self._who)
            except NotPart10 as error:
                return not_sent("not-part10", str(error), who=self._who)
            finally:
                self._used_at = time.monotonic()
                if self._keep_open_s == 0:
                    self._release()

    def release_if_idle(self) -> None:
        """Release after keep_open_s without work; an association at work is left alone."""
        if self._lock.acquire(blocking=False):
            try:
                if time.monotonic() - self._used_at >= self._keep_open_s:
                    self._release()
            finally:
                self._lock.release()

    def close(self) -> None:
        with self._lock:
            self._keep_open_s = 0.0
            self._release()

    def _store_on_a_living_association(self, file: Part10File) -> SendOutcome:
        was_kept = self._has_usable_association()
        try:
            return self._store(file)
        except PeerFault as fault:
            if not (was_kept and fault.code in _STALE):
                raise
        return self._store(file)

    def _store(self, file: Part10File) -> SendOutcome:
        association = self._association or self._open()
        classes = {uid: bool(association.accepts(uid)) for uid in RESULT_CLASSES}
        accepted = association.accepts(file.sop_class_uid)
        chosen = _choose_syntax(accepted, file.transfer_syntax_uid)
        if chosen is None:
            refused = "syntax-not-accepted" if accepted else "class-not-accepted"
            return replace(not_sent(refused, RESULT_CLASSES[file.sop_class_uid], who=self._who), classes=classes)
        # a data set that cannot be encoded is found out before the first byte is sent
        dataset, length = dataset_stream(file, chosen)
        with dataset, contextlib.ExitStack() as unless_answered:
            unless_answered.callback(self._abort)
            response = association.store(Proposal(file.sop_class_uid, chosen), file.sop_instance_uid, dataset, length)
            unless_answered.pop_all()
        row = row_of_status(response.status)
        message = f"{self._who}: {row.meaning} [status 0x{response.status:04X}]"
        return SendOutcome(row.verdict, row.code, message, response.status, response.comment, classes)

    def _open(self) -> Association:
        self._association = Association(self._peer, RESULT_PROPOSALS)
        self.opened += 1
        return self._association

    def _has_usable_association(self) -> bool:
        if self._association is not None and not self._association.is_usable():
            self._association = None
        return self._association is not None

    def _release(self) -> None:
        if self._association is not None:
            self._association.release()
            self._association = None

    def _abort(self) -> None:
        if self._association is not None:
            self._association.abort()
            self._association = None


def _choose_syntax(accepted: tuple[str, ...], stored_syntax: str) -> str | None:
    """The file's own syntax when the archive takes it, else one that the file can be re-encoded in without loss."""
    if stored_syntax in accepted:
        return stored_syntax
    if stored_syntax not in CONVERTIBLE:
        return None
    return next((syntax for syntax in accepted if syntax in CONVERTIBLE), None)
