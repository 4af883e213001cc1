"""What a remote AE can do for us: does it answer, how fast, and which result classes does it take."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from scp_node.deliver.association import Association
from scp_node.deliver.commitment import COMMITMENT_PROPOSALS
from scp_node.deliver.outcomes import PeerFault
from scp_node.deliver.scu import RESULT_CLASSES, RESULT_PROPOSALS, peer_of
from scp_node.dimse.uids import COMPREHENSIVE_3D_SR, COMPREHENSIVE_SR, STORAGE_COMMITMENT, VERIFICATION
from scp_node.errors import UsageError
from scp_node.settings import Settings
from scp_node.tls.certificates import Certificate

PROBED_CLASSES: dict[str, str] = RESULT_CLASSES | {STORAGE_COMMITMENT: "Storage Commitment"}


@dataclass(frozen=True)
class Capabilities:
    """What probing one remote AE showed. Without `fault` the association was established and released again.

    association_s: time to connect and negotiate; echo_s: time of one C-ECHO after that (None: Verification refused).
    tls_version, certificate: what TLS agreed on, and whom it showed; None without TLS.
    accepted: for each probed class, the transfer syntaxes in which the remote AE takes it; empty = refused.
    """

    remote_name: str
    called_ae_title: str
    calling_ae_title: str
    host: str
    port: int
    association_s: float | None = None
    echo_s: float | None = None
    echo_status: int | None = None
    accepted: dict[str, tuple[str, ...]] = field(default_factory=dict)
    fault: str | None = None
    message: str = ""
    tls_version: str | None = None
    certificate: Certificate | None = None

    @property
    def reachable(self) -> bool:
        """An association came about and C-ECHO was answered with success."""
        return self.fault is None and self.echo_status == 0

    @property
    def sr_class(self) -> str | None:
        """The class in which a report would arrive there: Comprehensive 3D, else Comprehensive, else none."""
        return next((uid for uid in (COMPREHENSIVE_3D_SR, COMPREHENSIVE_SR) if self.accepted.get(uid)), None)


def probe(settings: Settings, remote_name: str) -> Capabilities:
    """Ask the remote AE called `remote_name`: one association that proposes all that results need, and one C-ECHO."""
    remote = settings.remote_aes.get(remote_name)
    if remote is None:
        raise UsageError(f"no remote AE is called '{remote_name}'; known: {', '.join(settings.remote_aes)}")
    peer = peer_of(settings, remote)
    who = (remote_name, peer.called_ae_title, peer.calling_ae_title, peer.host, peer.port)
    started = time.perf_counter()
    try:
        association = Association(peer, (*RESULT_PROPOSALS, *COMMITMENT_PROPOSALS))
    except PeerFault as fault:
        return Capabilities(*who, fault=fault.code, message=str(fault))
    found = Capabilities(
        *who,
        association_s=time.perf_counter() - started,
        accepted={uid: association.accepts(uid) for uid in PROBED_CLASSES},
        tls_version=association.tls_version,
        certificate=association.certificate,
    )
    if not association.accepts(VERIFICATION):
        association.release()
        return replace(found, message="it refuses Verification (C-ECHO)")
    started = time.perf_counter()
    try:
        response = association.echo()
    except PeerFault as fault:
        association.abort()
        return replace(found, fault=fault.code, message=str(fault))
    echo_s = time.perf_counter() - started
    association.release()
    return replace(found, echo_s=echo_s, echo_status=response.status, message=response.comment)
