"""The parts of pynetdicom below its public surface that receiving stands on, each with a fingerprint of its source.

A test that fails here after an upgrade asks a person to read what changed, to run tests/integration/test_receiving*.py,
and to enter the new fingerprint.
"""

from __future__ import annotations

import hashlib
import inspect
import textwrap
import tomllib
from importlib.metadata import version
from typing import Any

import pytest
from pynetdicom import acse, association, dul, fsm, presentation, timer, transport

from tests.support.checkout import CHECKOUT

PROPERTIES: dict[str, Any] = {**vars(association.Association), **vars(association.ServiceUser)}
# What is used: why it matters here.
HOOKS: dict[str, tuple[Any, str]] = {
    "Association.__init__": (association.Association.__init__, "makes acse and dul, which are replaced afterwards"),
    "Association.kill": (association.Association.kill, "returns at once because the dul is never started as a thread"),
    "Association.acse_timeout": (
        PROPERTIES["acse_timeout"].fset,
        "sets the ARTIM timer of the new dul",
    ),
    "Association.set_socket": (association.Association.set_socket, "hands the socket to the dul"),
    "ServiceUser.supported_contexts": (
        PROPERTIES["supported_contexts"].fset,
        "keeps the list, no copy",
    ),
    "ACSE.negotiate_association": (acse.ACSE.negotiate_association, "is entered only after admission"),
    "ACSE._negotiate_as_acceptor": (acse.ACSE._negotiate_as_acceptor, "fills Association._accepted_cx"),
    "ACSE.send_accept": (
        acse.ACSE.send_accept,
        "makes an answer of nothing but request, contexts and user information",
    ),
    "ACSE.send_reject": (acse.ACSE.send_reject, "queues the primitive, waits for nothing"),
    "ACSE.send_release": (acse.ACSE.send_release, "queues the primitive, waits for nothing"),
    "ACSE.send_abort": (acse.ACSE.send_abort, "queues the primitive, waits for nothing"),
    "DULServiceProvider.__init__": (dul.DULServiceProvider.__init__, "queues, state machine, timers, _kill_thread"),
    "DULServiceProvider._process_recv_primitive": (
        dul.DULServiceProvider._process_recv_primitive,
        "turns a queued primitive into its event and leaves it to the action to take it off the queue",
    ),
    "DULServiceProvider._send": (dul.DULServiceProvider._send, "is replaced: encodes, sends, triggers events"),
    "DULServiceProvider.kill_dul": (dul.DULServiceProvider.kill_dul, "sets _kill_thread, which ends the loop"),
    "StateMachine.do_action": (fsm.StateMachine.do_action, "runs one action in the calling thread"),
    "StateMachine.transition": (fsm.StateMachine.transition, "skips AE-6 and AE-7 for a request that is remembered"),
    "fsm.AE_5": (fsm.AE_5, "starts the ARTIM timer"),
    "fsm.AE_6": (fsm.AE_6, "takes the PDU from dul._recv_pdu, stops the ARTIM timer, nothing else"),
    "fsm.AE_7": (fsm.AE_7, "sends the A-ASSOCIATE-AC through dul._send, nothing else"),
    "fsm.AE_8": (fsm.AE_8, "sends the A-ASSOCIATE-RJ, starts the ARTIM timer"),
    "fsm.AR_2": (fsm.AR_2, "takes the PDU from dul._recv_pdu"),
    "fsm.AR_4": (fsm.AR_4, "sends the A-RELEASE-RP, starts the ARTIM timer"),
    "fsm.AR_5": (fsm.AR_5, "ends the loop"),
    "fsm.AA_1": (fsm.AA_1, "sends the A-ABORT"),
    "fsm.AA_2": (fsm.AA_2, "ends the loop"),
    "fsm.AA_3": (fsm.AA_3, "takes the PDU from dul._recv_pdu, ends the loop"),
    "fsm.AA_4": (fsm.AA_4, "ends the loop"),
    "fsm.AA_5": (fsm.AA_5, "ends the loop"),
    "fsm.AA_8": (fsm.AA_8, "sends the A-ABORT, starts the ARTIM timer"),
    "Timer": (timer.Timer, "is replaced by a monotonic one with the same methods"),
    "AssociationSocket.__init__": (transport.AssociationSocket.__init__, "queues Evt5 in the dul"),
    "AssociationSocket.close": (transport.AssociationSocket.close, "queues Evt17"),
    "AssociationServer.__init__": (transport.AssociationServer.__init__, "binds and listens"),
    "AssociationServer.server_bind": (transport.AssociationServer.server_bind, "server_address holds the real port"),
    "AssociationServer.process_request": (transport.AssociationServer.process_request, "calls the handler directly"),
    "RequestHandler.__init__": (transport.RequestHandler.__init__, "calls handle()"),
    "negotiate_as_acceptor": (presentation.negotiate_as_acceptor, "does not change the contexts it is given"),
}
FINGERPRINTS = {
    "Association.__init__": "37cd0192fe87ffd1",
    "Association.kill": "531f3ec8d4df979a",
    "Association.acse_timeout": "e4a5ff6ea4ad55f1",
    "Association.set_socket": "00e9337c052ddecf",
    "ServiceUser.supported_contexts": "718223cae76267a1",
    "ACSE.negotiate_association": "1277223b6353a19d",
    "ACSE._negotiate_as_acceptor": "317caea98a1e6be0",
    "ACSE.send_accept": "df58dfb456e9e9e5",
    "ACSE.send_reject": "a87fc80562b78e4f",
    "ACSE.send_release": "ce52188e3e0bcf36",
    "ACSE.send_abort": "264712e73a14759d",
    "DULServiceProvider.__init__": "6ba6c0a89a5ab52a",
    "DULServiceProvider._process_recv_primitive": "be1c4202c189e6ac",
    "DULServiceProvider._send": "f68e64b3edd5d0a6",
    "DULServiceProvider.kill_dul": "81a5917503d167bf",
    "StateMachine.do_action": "4afe2ea8fc2a8725",
    "StateMachine.transition": "152915c95b896efa",
    "fsm.AE_5": "35e8617fcc8d3186",
    "fsm.AE_6": "385d595ed49432af",
    "fsm.AE_7": "c62284735836c78a",
    "fsm.AE_8": "9fc96fcfe2e117f5",
    "fsm.AR_2": "2cf6aeb89062e88d",
    "fsm.AR_4": "33a12cf6208e9ac3",
    "fsm.AR_5": "dc32d2343f420b32",
    "fsm.AA_1": "8495a4665f7ad3c9",
    "fsm.AA_2": "a58069d8299198e0",
    "fsm.AA_3": "de64452e828d09da",
    "fsm.AA_4": "de72d40c80b07e3e",
    "fsm.AA_5": "4a8a4a3ac26f1f17",
    "fsm.AA_8": "06c83317f08831fd",
    "Timer": "77ddae7423f544b1",
    "AssociationSocket.__init__": "bdf9c81c82dd508f",
    "AssociationSocket.close": "c06573e6db40f48f",
    "AssociationServer.__init__": "c8e7a80c8793ae78",
    "AssociationServer.server_bind": "27172ba06211dd06",
    "AssociationServer.process_request": "81d905e69dfbbde7",
    "RequestHandler.__init__": "a1bf77cf79ed1af6",
    "negotiate_as_acceptor": "d5413f08f0ac7b32",
    "TRANSITION_TABLE": "73f9bd6de4b8d8ee",
}


def fingerprint(thing: Any) -> str:
    source = textwrap.dedent(inspect.getsource(thing))
    return hashlib.sha256(source.encode()).hexdigest()[:16]


@pytest.mark.parametrize("name", HOOKS)
def test_the_hook_is_as_it_was_when_it_was_read(name: str) -> None:
    thing, purpose = HOOKS[name]
    assert fingerprint(thing) == FINGERPRINTS[name], f"pynetdicom changed {name}, which {purpose}"


def test_the_transition_table_is_as_it_was() -> None:
    table = repr(sorted(fsm.TRANSITION_TABLE.items()))
    assert hashlib.sha256(table.encode()).hexdigest()[:16] == FINGERPRINTS["TRANSITION_TABLE"]


def test_pynetdicom_is_pinned_to_the_minor_version_that_was_read() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    assert "pynetdicom>=3.0.4,<3.1" in project["dependencies"]
    assert version("pynetdicom").startswith("3.0.")
