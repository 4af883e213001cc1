"""Sends one HL7 message and waits for its acknowledgement (original mode, HL7 v2.5.1 2.9.2)."""

from __future__ import annotations

import time
from contextlib import closing

from converter.result.messages.table import MESSAGE_KINDS
from scp_node.deliver.capabilities import Capabilities, ProbeStep
from scp_node.deliver.hl7.acknowledgement import Acknowledgement, acknowledgement_of
from scp_node.deliver.hl7.mllp import framed, read_block
from scp_node.deliver.kind import Destination
from scp_node.deliver.message_file import message_in
from scp_node.deliver.outcomes import PeerFault, SendOutcome, not_sent
from scp_node.deliver.part10 import NotPart10, Part10File
from scp_node.deliver.system_channel import connect


def accepts(sop_class_uid: str) -> bool:
    return sop_class_uid == MESSAGE_KINDS["hl7"].sop_class_uid


def send(to: Destination, file: Part10File) -> SendOutcome:
    who = f"{to.name} ({to.system.where})"
    try:
        answer = _exchange(to, message_in(file))
    except PeerFault as fault:
        return not_sent(fault.code, fault.detail, who=who)
    except NotPart10 as error:
        return not_sent("not-part10", str(error), who=who)
    row = answer.row
    codes = f", error {', '.join(answer.errors)}" if answer.errors else ""
    return SendOutcome(row.verdict, row.code, f"{who}: {row.meaning} [{answer.code}{codes}]", comment=answer.text)


def probe(to: Destination) -> Capabilities:
    """Whether it can be connected to. HL7 has no message that asks and leaves nothing."""
    system = to.system
    found = Capabilities(to.name, f"HL7 at {system.where}")
    started = time.perf_counter()
    try:
        with closing(connect(to, system.host or "", system.port or 0)) as connection:
            step = ProbeStep("connection", time.perf_counter() - started)
            version, certificate = connection.tls_version, connection.certificate
            return Capabilities(to.name, found.address, (step,), tls_version=version, certificate=certificate)
    except PeerFault as fault:
        return Capabilities(to.name, found.address, problem=str(fault))


def _exchange(to: Destination, message: bytes) -> Acknowledgement:
    system, timeout_s = to.system, to.settings.delivery.response_timeout_s
    with closing(connect(to, system.host or "", system.port or 0)) as connection:
        connection.write(framed(message), timeout_s)
        answer = read_block(connection, timeout_s, system.response_bytes_max)
    return acknowledgement_of(answer, _message_id(message))


def _message_id(message: bytes) -> str:
    """MSH-10, as we wrote it."""
    return message.split(b"\r", 1)[0].split(b"|")[9].decode("ascii")
