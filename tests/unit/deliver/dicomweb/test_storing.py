"""STOW-RS as a way out: what each answer means, and that nothing but the archive's word makes a result sent."""

from __future__ import annotations

import base64
import gzip
import re
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO

from scp_node.deliver import connection
from scp_node.deliver.destinations import Destinations
from scp_node.deliver.http import exchange
from scp_node.deliver.http.dicomweb.answers import ANSWERS, Kind, row_of
from scp_node.deliver.http.dicomweb.storing import send
from scp_node.deliver.outcomes import Verdict
from scp_node.deliver.part10 import read_part10
from tests.support.node.dicomweb import a_result, result_file, sent_to_vna, settings_to_vna, vna_of
from tests.support.peers.certificates import Authority
from tests.support.peers.dicomweb import DICOM_JSON, store_answer
from tests.support.peers.listeners import Act, Request, answering, closing, hanging, scripted_listener, web_server
from tests.support.peers.ports import free_port

RESULT = a_result()
UID = str(RESULT.SOPInstanceUID)
STORED = store_answer([UID])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return result_file(tmp_path, RESULT)


def part_in(request: Request) -> bytes:
    """The only part of a request, found without the node's own reader."""
    found = re.fullmatch(
        r'multipart/related; type="application/dicom"; boundary=([0-9a-f]{32})', request.headers["content-type"]
    )
    assert found is not None
    boundary = found[1].encode()
    head = b"--" + boundary + b"\r\nContent-Type: application/dicom\r\n\r\n"
    tail = b"\r\n--" + boundary + b"--\r\n"
    assert request.body.startswith(head) and request.body.endswith(tail)
    return request.body[len(head) : -len(tail)]


def test_the_archive_gets_the_file_as_it_is(path: Path) -> None:
    with web_server(lambda request: (200, DICOM_JSON, STORED)) as web:
        outcome = sent_to_vna(settings_to_vna(web.url("/dicom-web/")), path)
    assert (outcome.verdict, outcome.code, outcome.status) == (Verdict.SENT, "stored", None)
    (request,) = web.requests
    assert (request.method, request.path) == ("POST", "/dicom-web/studies")
    assert request.headers["accept"] == "application/dicom+json" and "authorization" not in request.headers
    assert part_in(request) == path.read_bytes()
    assert dcmread(DicomBytesIO(part_in(request))).SOPInstanceUID == UID


def test_a_large_result_goes_in_pieces(tmp_path: Path) -> None:
    large = a_result(rows=1200, columns=1000)
    path = result_file(tmp_path, large)
    assert path.stat().st_size > 2 * 1024**2
    with web_server(lambda request: (200, DICOM_JSON, store_answer([str(large.SOPInstanceUID)]))) as web:
        assert sent_to_vna(settings_to_vna(web.url()), path).sent
    assert part_in(web.requests[0]) == path.read_bytes()


@pytest.mark.parametrize(
    ("system", "said"),
    [
        ({"token": "t0k3n"}, "Bearer t0k3n"),
        ({"user": "hilum", "password": "päss:word"}, "Basic " + base64.b64encode("hilum:päss:word".encode()).decode()),
    ],
    ids=["token", "user and password"],
)
def test_the_node_says_who_it_is(path: Path, system: dict[str, Any], said: str) -> None:
    with web_server(lambda request: (200, DICOM_JSON, STORED)) as web:
        assert sent_to_vna(settings_to_vna(web.url(), **system), path).sent
    assert web.requests[0].headers["authorization"] == said


def test_an_archive_with_a_certificate_of_its_own_authority(path: Path, authority: Authority, tmp_path: Path) -> None:
    identity = authority.identity("vna")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate, identity.key)
    other = Authority(tmp_path / "other")
    with web_server(lambda request: (200, DICOM_JSON, STORED), context=context) as web:
        url = f"https://127.0.0.1:{web.port}"
        assert sent_to_vna(settings_to_vna(url, ca=authority.ca), path).sent
        refused = sent_to_vna(settings_to_vna(url, ca=other.ca), path)
    assert (refused.verdict, refused.code, len(web.requests)) == (Verdict.RETRY, "tls-certificate", 1)


STATUSES = [
    *((status, Verdict.RETRY) for status in (201, 203, 204, 206, 299, 301, 302, 307, 308)),
    *((status, Verdict.RETRY) for status in (401, 403, 404, 405, 408, 410, 425, 429)),
    *((status, Verdict.DEAD) for status in (400, 402, 406, 409, 411, 413, 415, 418, 422, 499)),
    *((status, Verdict.RETRY) for status in (500, 501, 502, 503, 504, 507, 599, 600, 999)),
]


BODIES = {"nothing": b"", "text": b"Doe is unknown here", "another object": store_answer(["1.2.3"])}


@pytest.mark.parametrize(("status", "verdict"), STATUSES)
@pytest.mark.parametrize(
    "body", [b"", b"Doe is unknown here", store_answer(["1.2.3"])], ids=["nothing", "text", "other"]
)
def test_what_a_status_means(path: Path, status: int, verdict: Verdict, body: bytes) -> None:
    body = b"" if status == 204 else body
    with web_server(lambda request: (status, {"Location": "/elsewhere", "Retry-After": "7"}, body)) as web:
        outcome = sent_to_vna(settings_to_vna(web.url()), path)
    assert (outcome.verdict, len(web.requests)) == (verdict, 1), outcome
    assert f"[HTTP {status}]" in outcome.message and "Doe" not in outcome.message
    assert outcome.retry_after_s == (7 if verdict is Verdict.RETRY else 0)


REASONS = [
    (0x0110, Verdict.RETRY),
    (0x0111, Verdict.SENT),
    (0x0117, Verdict.DEAD),
    (0x0119, Verdict.DEAD),
    (0x0122, Verdict.CLASS_NOT_ACCEPTED),
    (0x0124, Verdict.RETRY),
    (0xA700, Verdict.RETRY),
    (0xA7FF, Verdict.RETRY),
    (0xA900, Verdict.DEAD),
    (0xC000, Verdict.DEAD),
    (0xC122, Verdict.DEAD),
    (0xCFFF, Verdict.DEAD),
    (0x0001, Verdict.RETRY),
    (0xB000, Verdict.RETRY),
    (0, Verdict.RETRY),
    (None, Verdict.RETRY),
]


@pytest.mark.parametrize(("reason", "verdict"), REASONS)
@pytest.mark.parametrize("status", [200, 202, 400, 409, 500])
def test_what_it_says_of_the_instance_goes_before_the_status(
    path: Path, status: int, reason: int | None, verdict: Verdict
) -> None:
    with web_server(lambda request: (status, DICOM_JSON, store_answer(["1.2.3"], {UID: reason}))) as web:
        outcome = sent_to_vna(settings_to_vna(web.url()), path)
    assert (outcome.verdict, outcome.status) == (verdict, reason or None), outcome


@pytest.mark.parametrize("warning", [0xB000, 0xB006, 0xB007, 0xB123])
def test_a_warning_is_told_and_the_object_is_stored(path: Path, warning: int) -> None:
    with web_server(lambda request: (202, DICOM_JSON, store_answer(warnings={UID: warning}))) as web:
        outcome = sent_to_vna(settings_to_vna(web.url()), path)
    assert outcome.sent and outcome.code != "stored" and f"0x{warning:04X}" in outcome.message


def test_a_list_of_one_response_is_one(path: Path) -> None:
    with web_server(lambda request: (200, DICOM_JSON, b"[" + STORED + b"]")) as web:
        assert sent_to_vna(settings_to_vna(web.url()), path).sent


NO_ANSWERS = {
    "nothing": b"",
    "a page": b"<html>sign in</html>",
    "no object in it": b"{}",
    "another object": store_answer(["1.2.3"]),
    "a number": b"7",
    "a text": b'"stored"',
    "lists": b"[[1]]",
    "a sequence that is none": b'{"00081199": {"vr": "SQ", "Value": 7}}',
    "items that are none": b'{"00081199": {"vr": "SQ", "Value": [7, null, "x", {"00081155": 1}]}}',
    "an element that is none": b'{"00081199": "x", "00081198": []}',
    "too deep": b"[" * 100_000,
    "not unicode": b"\xff\xfe\x00",
    "half": STORED[:-3],
    "compressed": gzip.compress(STORED),
    "XML": b"<NativeDicomModel/>",
}


@pytest.mark.parametrize("status", [200, 202])
@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_only_the_word_of_the_archive_makes_it_sent(path: Path, status: int, body: bytes) -> None:
    with web_server(lambda request: (status, DICOM_JSON, body)) as web:
        outcome = sent_to_vna(settings_to_vna(web.url()), path)
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "not-dicomweb"), outcome
    assert "systems.vna.url" in outcome.message


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/dicom+json\r\n"
RAW: dict[str, tuple[Act, str]] = {
    "no HTTP": (answering(b"220 mail.example ESMTP\r\n"), "not-http"),
    "half a head": (answering(HEAD), "connection-lost"),
    "half a body": (answering(HEAD + b"Content-Length: 999\r\n\r\n" + STORED), "connection-lost"),
    "half a chunk": (answering(HEAD + b"Transfer-Encoding: chunked\r\n\r\nfff\r\n" + STORED), "connection-lost"),
    "too large": (answering(HEAD + b"Content-Length: 9000\r\n\r\n" + b" " * 9000), "answer-too-large"),
    "endless": (answering(HEAD + b"\r\n" + b" " * 9000), "answer-too-large"),
    "nothing": (closing, "connection-lost"),
    "silence": (hanging(5), "response-timeout"),
}


@pytest.mark.parametrize("case", RAW)
def test_an_answer_that_is_none_is_tried_again(path: Path, case: str) -> None:
    act, code = RAW[case]
    with scripted_listener(act, until=b"--\r\n") as web:
        settings = settings_to_vna(f"http://127.0.0.1:{web.port}", response_timeout_s=1, response_bytes_max=1024)
        outcome = sent_to_vna(settings, path)
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, code), outcome


def test_an_archive_that_does_not_read_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (connection, exchange):  # at the slowest rate that is allowed it would take minutes
        monkeypatch.setattr(module, "BYTES_PER_S_MIN", 2**40)
    path, is_over = result_file(tmp_path, a_result(rows=3000, columns=2500)), threading.Event()

    def act(held: Any, came: bytes) -> None:
        is_over.wait(20)

    with scripted_listener(act, until=b"\r\n\r\n") as web:
        outcome = sent_to_vna(settings_to_vna(f"http://127.0.0.1:{web.port}", response_timeout_s=0.5), path)
        is_over.set()
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "send-timeout"), outcome


def test_who_refuses_before_all_has_come_is_understood(tmp_path: Path) -> None:
    path = result_file(tmp_path, a_result(rows=1500, columns=1000))
    answer = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"

    def act(held: Any, came: bytes) -> None:
        held.sendall(answer)
        while held.recv(65536):  # as a server that closes in peace does
            pass

    with scripted_listener(act, until=b"\r\n\r\n") as web:
        outcome = sent_to_vna(settings_to_vna(f"http://127.0.0.1:{web.port}"), path)
    assert (outcome.verdict, outcome.code) == (Verdict.DEAD, "http-too-large"), outcome


def test_nobody_is_there(path: Path) -> None:
    outcome = sent_to_vna(settings_to_vna(f"http://127.0.0.1:{free_port()}"), path)
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "connection-refused")


def test_a_file_that_becomes_shorter_is_this_machines_fault(path: Path) -> None:
    file = read_part10(path)
    path.write_bytes(path.read_bytes()[:-100])
    with web_server(lambda request: (200, DICOM_JSON, STORED)) as web, pytest.raises(OSError, match="shorter"):
        send(vna_of(settings_to_vna(web.url())), file)


def test_what_is_no_result_is_not_sent(tmp_path: Path) -> None:
    image = a_result()
    image.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    outcome = sent_to_vna(settings_to_vna("http://127.0.0.1:1"), result_file(tmp_path, image))
    assert outcome.code == "class-not-accepted"


PROBES: dict[str, tuple[int, bytes, str]] = {
    "studies": (200, b"[{}]", ""),
    "no study": (204, b"", ""),
    "an empty list": (200, b"[]", ""),
    "a wrong token": (401, b"", "it does not let this node in"),
    "a wrong address": (404, b"", "there is nothing at that address"),
    "a page": (200, b"<html>", "it answered no DICOMweb"),
    "a failure": (500, b"", "it failed"),
}


@pytest.mark.parametrize("case", PROBES)
def test_a_probe_stores_nothing(case: str) -> None:
    status, body, problem = PROBES[case]
    with web_server(lambda request: (status, DICOM_JSON, body)) as web:
        found = Destinations(settings_to_vna(web.url("/dicom-web"))).probe("vna")
    assert found.problem.startswith(problem) and bool(found.problem) == bool(problem)
    assert [(one.method, one.path) for one in web.requests] == [("GET", "/dicom-web/studies?limit=1")]


def test_every_number_has_one_row_and_no_row_is_hidden() -> None:
    kinds: dict[Kind, range] = {"http": range(100, 1000), "failure": range(0x10000), "warning": range(1, 0x10000)}
    for kind, numbers in kinds.items():
        met = {row_of(kind, number).code for number in numbers}
        assert met >= {row.code for one, _, _, row in ANSWERS if one == kind}
