"""FHIR and webhooks: what each status means, no redirection is followed, and a receiver can prove who sent it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from converter.result.messages import fhir, webhook
from scp_node.deliver.destinations import Destinations
from scp_node.deliver.http.statuses import retry_after_s
from scp_node.deliver.outcomes import Verdict
from tests.support.peers.listeners import Act, WebAnswer, answering, closing, hanging, scripted_listener, web_server
from tests.support.results.messages import a_message
from tests.unit.deliver.messages.files import SECRET, message_file, sent, settings_to

TAKEN = json.dumps({"resourceType": "Bundle", "type": "transaction-response", "entry": []}).encode()
OUTCOME = json.dumps(
    {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "diagnostics": "Doe unknown"}]}
).encode()
STATEMENT = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict.SENT),
        (202, Verdict.SENT),
        (204, Verdict.SENT),
        (301, Verdict.DEAD),
        (400, Verdict.DEAD),
        (401, Verdict.DEAD),
        (404, Verdict.DEAD),
        (408, Verdict.RETRY),
        (418, Verdict.DEAD),
        (422, Verdict.DEAD),
        (425, Verdict.RETRY),
        (429, Verdict.RETRY),
        (500, Verdict.RETRY),
        (503, Verdict.RETRY),
        (599, Verdict.RETRY),
        (999, Verdict.RETRY),
    ],
)
@pytest.mark.parametrize("kind", ["fhir", "webhook"])
def test_what_a_status_means(tmp_path: Path, kind: str, status: int, verdict: Verdict) -> None:
    body = b"" if status == 204 else TAKEN if status < 300 else OUTCOME
    with web_server(lambda request: (status, {"Location": "/elsewhere"}, body)) as web:
        secret: dict[str, Any] = {"secret": SECRET} if kind == "webhook" else {}
        outcome = sent(settings_to(kind, url=web.url("/base"), **secret), message_file(tmp_path, kind))
    assert (outcome.verdict, len(web.requests)) == (verdict, 1)
    assert f"[HTTP {status}]" in outcome.message and "Doe" not in outcome.message
    assert outcome.sent or "Doe unknown" in outcome.comment


RAW: dict[str, tuple[Act, str]] = {
    "no HTTP": (answering(b"220 mail.example ESMTP\r\n"), "not-http"),
    "half a head": (answering(b"HTTP/1.1 200 OK\r\nContent-Le"), "connection-lost"),
    "half a body": (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"), "connection-lost"),
    "half a chunk": (answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nabc"), "connection-lost"),
    "too large": (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000), "answer-too-large"),
    "endless head": (answering(b"HTTP/1.1 200 OK\r\n" + b"".join(b"a%d: b\r\n" % n for n in range(300))), "not-http"),
    "nothing": (closing, "connection-lost"),
    "silence": (hanging(5), "response-timeout"),
}


@pytest.mark.parametrize("case", RAW)
@pytest.mark.parametrize("kind", ["fhir", "webhook"])
def test_an_answer_that_is_none_is_tried_again(tmp_path: Path, kind: str, case: str) -> None:
    act, code = RAW[case]
    with scripted_listener(act, until=b"\r\n\r\n") as web:
        url = f"http://127.0.0.1:{web.port}/"
        secret: dict[str, Any] = {"secret": SECRET} if kind == "webhook" else {}
        settings = settings_to(kind, url=url, response_timeout_s=1, response_bytes_max=1024, **secret)
        outcome = sent(settings, message_file(tmp_path, kind))
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, code), outcome


NO_ANSWERS = {
    "a page": b"<html>sign in</html>",
    "nothing in it": b"{}",
    "a list": b"[1]",
    "an error": OUTCOME,
    "an entry that failed": b'{"resourceType":"Bundle","entry":[{"response":{"status":"422"}}]}',
    "too deep": b"[" * 100_000,
}


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_a_200_that_is_no_answer_to_a_transaction_does_not_count(tmp_path: Path, body: bytes) -> None:
    with web_server(lambda request: (200, {}, body)) as web:
        outcome = sent(settings_to("fhir", url=web.url()), message_file(tmp_path, "fhir"))
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "not-fhir")


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7.0),
        ("Mon, 30 Nov 2026 00:01:00 GMT", 60.0),
        ("Mon, 30 Nov 2020 00:00:00 GMT", 0.0),
        ("soon", 0.0),
        ("-5", 0.0),
        ("", 0.0),
        ("9" * 400, 0.0),
    ],
)
def test_how_long_it_asks_us_to_wait(said: str, seconds: float) -> None:
    assert retry_after_s(said, datetime(2026, 11, 30, tzinfo=UTC)) == seconds


def test_what_it_asks_for_is_bounded_by_the_longest_wait(tmp_path: Path) -> None:
    with web_server(lambda request: (503, {"Retry-After": "86400"}, b"")) as web:
        outcome = sent(settings_to("fhir", url=web.url()), message_file(tmp_path, "fhir"))
    assert outcome.retry_after_s == 60


def test_a_receiver_proves_the_sender_and_refuses_what_is_changed_or_old(tmp_path: Path) -> None:
    with web_server(lambda request: (200, {}, b"")) as web:
        settings = settings_to("webhook", url=web.url("/hook"), secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        for _ in range(2):
            assert sent(settings, message_file(tmp_path, "webhook")).sent
    first, again = web.requests
    receiver = Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert receiver.verify(first.body.decode(), first.headers) == json.loads(webhook.write(a_message()))
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    with pytest.raises(WebhookVerificationError):
        receiver.verify(first.body.decode().replace("PRESENT", "ABSENT"), first.headers)
    with pytest.raises(WebhookVerificationError):
        receiver.verify(first.body.decode(), {**first.headers, "webhook-timestamp": str(int(time.time()) - 3600)})
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_AAAA9r8GKYqrTwjUPD8ILPZIo2LaLaSw").verify(first.body.decode(), first.headers)


def test_a_fhir_server_gets_the_transaction_at_its_base(tmp_path: Path) -> None:
    with web_server(lambda request: (200, {}, TAKEN)) as web:
        assert sent(settings_to("fhir", url=web.url("/r4"), token="t0k3n"), message_file(tmp_path, "fhir")).sent
    (request,) = web.requests
    assert (request.method, request.path, request.body) == ("POST", "/r4", fhir.write(a_message()))
    assert request.headers["content-type"] == "application/fhir+json"
    assert request.headers["authorization"] == "Bearer t0k3n"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ((200, {}, json.dumps(STATEMENT).encode()), ""),
        ((200, {}, json.dumps({**STATEMENT, "fhirVersion": "5.0.0"}).encode()), "it speaks FHIR 5.0.0"),
        ((200, {}, b"<html>"), "is no CapabilityStatement"),
        ((404, {}, b""), "HTTP 404"),
    ],
)
def test_a_probe_asks_a_fhir_server_what_it_can_do(answer: WebAnswer, problem: str) -> None:
    with web_server(lambda request: answer) as web:
        found = Destinations(settings_to("fhir", url=web.url("/r4/"))).probe("ris")
    assert [one.path for one in web.requests] == ["/r4/metadata"]
    assert problem in found.problem and bool(problem) != found.reachable


@pytest.mark.parametrize(("status", "reachable"), [(204, True), (401, False)])
def test_a_probe_sends_a_webhook_a_signed_ping(status: int, reachable: bool) -> None:
    with web_server(lambda request: (status, {}, b"")) as web:
        found = Destinations(settings_to("webhook", url=web.url("/hook"), secret=SECRET)).probe("ris")
    (request,) = web.requests
    assert json.loads(request.body)["type"] == "ping" and "webhook-signature" in request.headers
    assert found.reachable is reachable


def test_who_only_sends_to_archives_loads_nothing_of_messages() -> None:
    rooms = ("scp_node.deliver.http", "scp_node.deliver.hl7", "converter.result.messages.fhir")
    code = f"import sys, scp_node.deliver.destinations; print([one for one in sys.modules if one.startswith({rooms})])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
