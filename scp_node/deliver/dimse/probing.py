"""Probes a remote AE: one association that proposes all that results need, and one C-ECHO (PS3.4 A)."""

from __future__ import annotations

import time
from dataclasses import replace

from scp_node.deliver.capabilities import PROBED_CLASSES, Capabilities, ProbeStep
from scp_node.deliver.dimse.association import Association
from scp_node.deliver.dimse.commitment import COMMITMENT_PROPOSALS
from scp_node.deliver.dimse.peer import peer_of
from scp_node.deliver.dimse.query import QUERY_PROPOSALS
from scp_node.deliver.dimse.results import RESULT_PROPOSALS
from scp_node.deliver.kind import Destination
from scp_node.deliver.outcomes import PeerFault
from scp_node.dimse.uids import VERIFICATION


def probe(to: Destination) -> Capabilities:
    """What the remote AE takes, and how fast it answers."""
    peer = peer_of(to.settings, to.remote)
    found = Capabilities(to.name, f"{peer}, called by {peer.calling_ae_title}")
    started = time.perf_counter()
    try:
        association = Association(peer, (*RESULT_PROPOSALS, *COMMITMENT_PROPOSALS, *QUERY_PROPOSALS))
    except PeerFault as fault:
        return replace(found, problem=str(fault))
    found = replace(
        found,
        steps=(ProbeStep("association", time.perf_counter() - started),),
        accepted={uid: association.accepts(uid) for uid in PROBED_CLASSES},
        tls_version=association.tls_version,
        certificate=association.certificate,
    )
    return _with_echo(found, association)


def _with_echo(found: Capabilities, association: Association) -> Capabilities:
    """Ask for a C-ECHO, and end the association."""
    if not association.accepts(VERIFICATION):
        association.release()
        return replace(found, problem="it refuses Verification (C-ECHO)")
    started = time.perf_counter()
    try:
        response = association.echo()
    except PeerFault as fault:
        association.abort()
        return replace(found, problem=str(fault))
    answer = f"status 0x{response.status:04X}"
    echo = ProbeStep("C-ECHO", time.perf_counter() - started, answer)
    association.release()
    problem = f"C-ECHO was answered with {answer} {response.comment}".rstrip() if response.status else ""
    return replace(found, steps=(*found.steps, echo), problem=problem)
