"""C-STORE SCU: one association per destination, kept open while results follow each other (PS3.4 B)."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from converter.image.sop_classes import SECONDARY_CAPTURE
from scp_node.deliver.association import Association, Peer, Proposal
from scp_node.deliver.outcomes import FAULTS, PeerFault, SendOutcome, row_of_status
from scp_node.deliver.part10 import CONVERTIBLE, NotPart10, Part10File, dataset_stream, read_part10
from scp_node.deliver.tls_channel import channel_to
from scp_node.dimse.uids import COMPREHENSIVE_3D_SR, COMPREHENSIVE_SR, EXPLICIT_LE, IMPLICIT_LE, VERIFICATION
from scp_node.settings import RemoteAE, Settings

RESULT_CLASSES: dict[str, str] = {
    COMPREHENSIVE_3D_SR: "Comprehensive 3D SR",
    COMPREHENSIVE_SR: "Comprehensive SR",
    SECONDARY_CAPTURE: "Secondary Capture",
}
RESULT_SYNTAXES: dict[str, str] = {EXPLICIT_LE: "Explicit VR LE", IMPLICIT_LE: "Implicit VR LE"}

# Each class and syntax is a context of its own, so that the archive's preference never decides how we must encode.
RESULT_PROPOSALS: tuple[Proposal, ...] = (
    Proposal(VERIFICATION, IMPLICIT_LE),
    *(Proposal(sop_class, syntax) for sop_class in RESULT_CLASSES for syntax in RESULT_SYNTAXES),
)

# What a kept association may die of between two results (the archive restarted, or cleans up idle associations).
_STALE = {"connection-lost", "aborted"}


def peer_of(settings: Settings, remote: RemoteAE) -> Peer:
    """The association partner that `remote` is for this node."""
    return Peer(
        host=remote.host,
        port=remote.port,
        called_ae_title=remote.ae_title,
        calling_ae_title=settings.node.ae_title,
        connect_timeout_s=settings.delivery.connect_timeout_s,
        response_timeout_s=settings.delivery.response_timeout_s,
        channel=channel_to(settings, remote),
    )


class ResultSender:
    """Stores objects at the remote AEs of a configuration. Any number of threads may send at the same time: objects
    for one destination go one after the other over its one association, destinations do not wait for each other."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._destinations: dict[str, Destination] = {}
        self._closing = threading.Event()
        self._idle_watch: threading.Thread | None = None

    def send(self, remote_name: str, path: Path) -> SendOutcome:
        """Store the DICOM file at `path` at the remote AE called `remote_name`, and say how it ended.

        Raises OSError when the file is there but cannot be read: that is this machine's fault, and may pass.
        """
        destination = self._destination(remote_name)
        if destination is None:
            return _outcome_of_fault(remote_name, "unknown-destination")
        return destination.send(path)

    def associations_opened(self, remote_name: str) -> int:
        """How many associations were established with this destination so far."""
        destination = self._destinations.get(remote_name)
        return destination.associations_opened if destination else 0

    def reload(self, settings: Settings) -> None:
        """Take over changed settings; associations whose destination changed are released."""
        with self._lock:
            self._settings = settings
            stale = [name for name, known in self._destinations.items() if not known.fits(settings)]
            leaving = [self._destinations.pop(name) for name in stale]
        for destination in leaving:
            destination.retire()

    def close(self) -> None:
        """Release every association."""
        self._closing.set()
        with self._lock:
            leaving = list(self._destinations.values())
            self._destinations.clear()
        for destination in leaving:
            destination.retire()
        if self._idle_watch is not None:
            self._idle_watch.join()

    def _destination(self, remote_name: str) -> Destination | None:
        with self._lock:
            remote = self._settings.remote_aes.get(remote_name)
            if remote is None:
                return None
            if remote_name not in self._destinations:
                keep_open_s = 0.0 if self._closing.is_set() else self._settings.delivery.keep_open_s
                self._destinations[remote_name] = Destination(remote_name, peer_of(self._settings, remote), keep_open_s)
            if self._idle_watch is None and not self._closing.is_set():
                self._idle_watch = threading.Thread(target=self._release_idle, name="idle-associations", daemon=True)
                self._idle_watch.start()
            return self._destinations[remote_name]

    def _release_idle(self) -> None:
        while not self._closing.wait(min(1.0, self._settings.delivery.keep_open_s / 4 + 0.05)):
            with self._lock:
                destinations = list(self._destinations.values())
            for destination in destinations:
                destination.release_if_idle()


class Destination:
    """One remote AE and its association, if one is open."""

    def __init__(self, name: str, peer: Peer, keep_open_s: float) -> None:
        self.name, self.peer, self.keep_open_s = name, peer, keep_open_s
        self.associations_opened = 0
        self._lock = threading.Lock()
        self._association: Association | None = None
        self._used_at = 0.0

    def fits(self, settings: Settings) -> bool:
        """Whether this is still what the configuration says about the remote AE of this name."""
        remote = settings.remote_aes.get(self.name)
        same_peer = remote is not None and peer_of(settings, remote) == self.peer
        return same_peer and self.keep_open_s == settings.delivery.keep_open_s

    def send(self, path: Path) -> SendOutcome:
        """One attempt; a kept association that turns out to be dead costs a second one on a fresh association."""
        try:
            file = read_part10(path)
        except NotPart10 as error:
            return _outcome_of_fault(self.name, "not-part10", str(error))
        except FileNotFoundError as error:
            return _outcome_of_fault(self.name, "file-missing", error.strerror or "")
        with self._lock:
            try:
                was_kept = self._has_usable_association()
                try:
                    return self._store(file)
                except PeerFault as fault:
                    if not (was_kept and fault.code in _STALE):
                        raise
                return self._store(file)
            except PeerFault as fault:
                return SendOutcome(FAULTS[fault.code].verdict, fault.code, f"{self._who}: {fault}")
            except NotPart10 as error:
                return _outcome_of_fault(self.name, "not-part10", str(error))
            finally:
                self._used_at = time.monotonic()
                if self.keep_open_s == 0:
                    self._release_held()

    def retire(self) -> None:
        """Release the association; who still sends here does so over one of its own."""
        with self._lock:
            self.keep_open_s = 0.0
            self._release_held()

    def release_if_idle(self) -> None:
        """Release after keep_open_s without work; a destination at work is left alone."""
        if self._lock.acquire(blocking=False):
            try:
                if time.monotonic() - self._used_at >= self.keep_open_s:
                    self._release_held()
            finally:
                self._lock.release()

    @property
    def _who(self) -> str:
        return f"{self.name} ({self.peer.called_ae_title} at {self.peer.host}:{self.peer.port})"

    def _store(self, file: Part10File) -> SendOutcome:
        association = self._association or self._open()
        chosen = _choose_syntax(association.accepts(file.sop_class_uid), file.transfer_syntax_uid)
        if chosen is None:
            refused = "syntax-not-accepted" if association.accepts(file.sop_class_uid) else "class-not-accepted"
            return _outcome_of_fault(self._who, refused, RESULT_CLASSES.get(file.sop_class_uid, file.sop_class_uid))
        try:
            dataset, length = dataset_stream(file, chosen)
            with dataset:
                proposal = Proposal(file.sop_class_uid, chosen)
                response = association.store(proposal, file.sop_instance_uid, dataset, length)
        except NotPart10:
            raise  # found out before the first byte was sent
        except BaseException:
            self._abort_held()
            raise
        row = row_of_status(response.status)
        message = f"{self._who}: {row.meaning} [status 0x{response.status:04X}]"
        return SendOutcome(row.verdict, row.code, message, response.status, response.comment)

    def _open(self) -> Association:
        self._association = Association(self.peer, RESULT_PROPOSALS)
        self.associations_opened += 1
        return self._association

    def _has_usable_association(self) -> bool:
        if self._association is not None and not self._association.is_usable():
            self._association = None
        return self._association is not None

    def _release_held(self) -> None:
        if self._association is not None:
            self._association.release()
            self._association = None

    def _abort_held(self) -> None:
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


def _outcome_of_fault(who: str, code: str, detail: str = "") -> SendOutcome:
    row = FAULTS[code]
    return SendOutcome(row.verdict, code, f"{who}: {row.meaning}{f' ({detail})' if detail else ''}")
