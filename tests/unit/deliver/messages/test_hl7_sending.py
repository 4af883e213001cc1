"""HL7 over MLLP: a listener of another maker takes the message, and every answer has a meaning."""

from __future__ import annotations

import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest

from scp_node.deliver.destinations import Destinations
from scp_node.deliver.outcomes import Verdict
from tests.support.peers.certificates import Authority
from tests.support.peers.listeners import (
    END,
    START,
    Act,
    acknowledging,
    answering,
    closing,
    hanging,
    hl7_listener,
    scripted_listener,
)
from tests.support.peers.ports import free_port
from tests.support.results.messages import a_message
from tests.unit.deliver.messages.files import message_file, sent, settings_to


def to_port(port: int) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": port}


def test_a_listener_of_another_maker_takes_it(tmp_path: Path) -> None:
    with hl7_listener() as ris:
        outcome = sent(settings_to("hl7", **to_port(ris.port)), message_file(tmp_path, "hl7"))
    assert (outcome.verdict, outcome.code) == (Verdict.SENT, "acknowledged")
    assert len(ris.received) == 1 and ris.received[0].startswith(b"MSH|^~\\&|HILUM|")


@pytest.mark.parametrize("code", ["AE", "AR"])
def test_a_listener_that_says_no_without_a_reason_is_asked_again(tmp_path: Path, code: str) -> None:
    with hl7_listener(answer=code) as ris:
        outcome = sent(settings_to("hl7", **to_port(ris.port)), message_file(tmp_path, "hl7"))
    assert outcome.verdict is Verdict.RETRY and f"[{code}]" in outcome.message


def ack(code: str, message_id: str, *segments: str) -> bytes:
    lines = ["MSH|^~\\&|RIS|H|HILUM|HILUM|20261101||ACK|1|P|2.5.1", f"MSA|{code}|{message_id}|a text", *segments]
    return START + "\r".join(lines).encode() + b"\r" + END


OUR_ID = a_message().message_id
ANSWERS: dict[str, tuple[Act, Verdict, str]] = {
    "an accept acknowledgement": (answering(ack("CA", OUR_ID)), Verdict.SENT, "acknowledged"),
    "with line feeds": (answering(ack("AA", OUR_ID).replace(b"\r", b"\r\n", 2)), Verdict.SENT, "acknowledged"),
    "no carriage return at the end": (answering(ack("AA", OUR_ID)[:-1]), Verdict.SENT, "acknowledged"),
    "other separators": (
        answering(ack("AA", OUR_ID).replace(b"|", b"#").replace(b"^", b"*")),
        Verdict.SENT,
        "acknowledged",
    ),
    "a field is missing": (acknowledging("AE", "ERR|||101^Required field missing|E\r"), Verdict.DEAD, "field-missing"),
    "a version it does not know": (acknowledging("AR", "ERR|||203^Version|E\r"), Verdict.DEAD, "version-id"),
    "an older ERR": (acknowledging("AE", "ERR|PID^1^3^103&Table value\r"), Verdict.DEAD, "table-value"),
    "a patient it does not have yet": (
        acknowledging("AE", "ERR|||204^Unknown key|E\r"),
        Verdict.RETRY,
        "application-error",
    ),
    "of another message": (answering(ack("AA", "ANOTHER")), Verdict.RETRY, "ack-of-another"),
    "without MSA-2": (answering(ack("AA", "")), Verdict.RETRY, "ack-of-another"),
    "a code that is none": (answering(ack("OK", OUR_ID)), Verdict.RETRY, "not-hl7"),
    "without MSA": (answering(START + b"MSH|^~\\&|RIS\r" + END), Verdict.RETRY, "not-hl7"),
    "an empty block": (answering(START + END), Verdict.RETRY, "not-hl7"),
    "no block": (answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Verdict.RETRY, "not-hl7"),
    "half an acknowledgement": (answering(ack("AA", OUR_ID)[:30]), Verdict.RETRY, "connection-lost"),
    "nothing": (closing, Verdict.RETRY, "connection-lost"),
    "silence": (hanging(5), Verdict.RETRY, "response-timeout"),
    "no end": (answering(START + b"x" * 3000), Verdict.RETRY, "answer-too-large"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_what_an_answer_means(tmp_path: Path, case: str) -> None:
    act, verdict, code = ANSWERS[case]
    with scripted_listener(act) as ris:
        settings = settings_to("hl7", response_timeout_s=1, response_bytes_max=1024, **to_port(ris.port))
        outcome = sent(settings, message_file(tmp_path, "hl7"))
    assert (outcome.verdict, outcome.code) == (verdict, code), outcome


def test_an_answer_that_drips_ends_in_time(tmp_path: Path) -> None:
    def drip(connection: socket.socket, came: bytes) -> None:
        for _ in range(40):
            connection.sendall(START)
            time.sleep(0.1)

    with scripted_listener(drip) as ris:
        started = time.monotonic()
        outcome = sent(settings_to("hl7", response_timeout_s=0.5, **to_port(ris.port)), message_file(tmp_path, "hl7"))
    assert outcome.code == "response-timeout" and time.monotonic() - started < 3


def test_what_the_listener_says_is_for_the_ledger_and_not_for_the_log(tmp_path: Path) -> None:
    with scripted_listener(acknowledging("AE", "ERR|||207^Internal|E||||Doe unknown\r")) as ris:
        outcome = sent(settings_to("hl7", **to_port(ris.port)), message_file(tmp_path, "hl7"))
    assert "Doe unknown" in outcome.comment and "Doe" not in outcome.message


def test_nobody_there(tmp_path: Path) -> None:
    outcome = sent(settings_to("hl7", **to_port(free_port())), message_file(tmp_path, "hl7"))
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "connection-refused")


@pytest.mark.parametrize(("trusted", "code"), [(True, "acknowledged"), (False, "tls-certificate")])
def test_over_tls_both_sides_show_a_certificate(tmp_path: Path, trusted: bool, code: str) -> None:
    authority, stranger = Authority(tmp_path / "ca"), Authority(tmp_path / "other", "Another")
    server, client = authority.identity("localhost"), authority.identity("hilum")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.certificate, server.key)
    context.load_verify_locations(authority.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    with hl7_listener(context=context) as ris:
        settings = settings_to(
            "hl7",
            host="localhost",
            port=ris.port,
            tls=True,
            ca=authority.ca if trusted else stranger.ca,
            certificate=client.certificate,
            key=client.key,
        )
        outcome = sent(settings, message_file(tmp_path, "hl7"))
    assert outcome.code == code, outcome
    assert len(ris.received) == (1 if trusted else 0)


def test_a_probe_connects_and_leaves_nothing() -> None:
    with hl7_listener() as ris:
        settings = settings_to("hl7", **to_port(ris.port))
        found = Destinations(settings).probe("ris")
        assert found.reachable and [step.name for step in found.steps] == ["connection"]
    assert ris.received == []
    assert not Destinations(settings).probe("ris").reachable
