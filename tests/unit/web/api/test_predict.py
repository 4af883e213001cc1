"""`POST /api/predict`: what it answers, and that each limit is a problem with a code, before anything is analysed."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from scp_node.errors import OutOfResources, PictureFailed
from scp_node.ledger import Ledger
from scp_node.ledger.account_records import Role
from scp_node.web.access.cookies import NAME
from scp_node.web.access.guard import HEADER
from tests.support.waiting import until
from tests.support.web.clients import JUDGED, AskedNode, ScriptedDesk, asked_node

MIB = 1024**2
BOUNDARY = "films"


@pytest.fixture
def desk() -> ScriptedDesk:
    return ScriptedDesk()


@pytest.fixture
def node(tmp_path: Path, ledger: Ledger, desk: ScriptedDesk) -> Iterator[AskedNode]:
    with asked_node(tmp_path, ledger, desk=desk, upload_bytes_max=MIB) as one:
        yield one


@pytest.fixture
def client(node: AskedNode) -> httpx.Client:
    return node.client


def parts(*those: tuple[str, bytes], end: str = "--") -> dict[str, Any]:
    """A form, as bytes."""
    body = b"".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value + b"\r\n"
        for name, value in those
    )
    body += f"--{BOUNDARY}{end}\r\n".encode()
    return {"content": body, "headers": {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}}


def refused(client: httpx.Client, status: int, code: str, **request: Any) -> None:
    answer = client.post("/api/predict", **request)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert (answer.json()["code"], answer.json()["status"]) == (code, status)
    assert (answer.headers.get("retry-after") is not None) == (status == 503)


@pytest.mark.parametrize("base", ["/api", "/api/v1"])
def test_an_upload_is_answered_with_the_contract(client: httpx.Client, desk: ScriptedDesk, base: str) -> None:
    answer = client.post(f"{base}/predict", files={"file": ("a.png", b"film")}, data={"model": "pneumonia@1.9.0"})
    assert answer.status_code == 200
    document = answer.json()
    assert {key: document[key] for key in JUDGED} == JUDGED
    assert document["heatmap"] == "data:image/png;base64,cG5n"
    assert document["disclaimer"].startswith("Research use only")
    assert desk.asked == [("uploads", "predict", {"model": "pneumonia@1.9.0", "heatmap": True}, b"film")]


def test_without_a_model_that_of_the_first_route_is_asked(client: httpx.Client, desk: ScriptedDesk) -> None:
    answer = client.post("/api/predict", files={"file": ("a.png", b"film")}, data={"heatmap": "false"})
    assert (answer.json()["heatmap"], desk.asked[0][2]) == (None, {"model": "pneumonia", "heatmap": False})


def test_an_image_that_was_declined_is_an_answer_and_no_problem(client: httpx.Client, desk: ScriptedDesk) -> None:
    declined = {"code": "not-frontal", "reason": "View Position is LL"}
    desk.answer = JUDGED | {"result": None, "prediction": None, "declined": declined}
    answer = client.post("/api/predict", files={"file": ("a.dcm", b"film")}, data={"heatmap": "0"})
    assert (answer.status_code, answer.json()["declined"], answer.json()["result"]) == (200, declined, None)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (PictureFailed("unreadable", "no image"), 415, "unreadable"),
        (PictureFailed("model-missing", "/srv/models"), 404, "model-missing"),
        (PictureFailed("model-unusable", "/srv/models"), 503, "model-unusable"),
        (PictureFailed("decode-crashed", "died"), 422, "decode-crashed"),
        (PictureFailed("crashed", "died"), 503, "crashed"),
        (PictureFailed("timeout", "slow"), 503, "timeout"),
        (PictureFailed("surprise", "unexpected KeyError"), 500, "surprise"),
        (OutOfResources("8 requests wait"), 503, "out-of-resources"),
    ],
)
def test_what_the_child_could_not_do_is_a_problem(
    client: httpx.Client, desk: ScriptedDesk, error: Exception, status: int, code: str
) -> None:
    desk.answer = error
    refused(client, status, code, files={"file": ("a", b"film")})
    assert "/srv" not in client.post("/api/predict", files={"file": ("a", b"film")}).text


def test_a_file_as_large_as_allowed_is_taken_and_one_byte_more_is_not(client: httpx.Client, desk: ScriptedDesk) -> None:
    assert client.post("/api/predict", files={"file": ("a", bytes(MIB))}).status_code == 200
    refused(client, 413, "upload-too-large", files={"file": ("a", bytes(MIB + 1))})
    refused(client, 413, "upload-too-large", files={"file": ("a", bytes(20 * MIB))})
    assert len(desk.asked) == 1


@pytest.mark.parametrize(
    "request_",
    [
        {"content": b"", "headers": {}},
        {"data": {"file": "x"}},
        {"json": {"file": "x"}},
        {"content": b"", "headers": {"Content-Type": "multipart/form-data"}},
        {"content": b"", "headers": {"Content-Type": f"multipart/form-data; boundary={'b' * 300}"}},
        {"content": b"junk", "headers": {"Content-Type": "multipart/form-data; boundary=b"}},
        parts(("file", b"x"), ("file", b"y")),
        parts(*[("field", b"x")] * 17),
        parts(("field", b"x" * 5000)),
        parts(("file", b"x"), end=""),
        parts(("file", b"x"), ("heatmap", b"perhaps")),
        {
            "content": f"--{BOUNDARY}\r\n".encode() + b"X: y\r\n" * 20 + b"\r\n",
            "headers": {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
        },
        {
            "content": f"--{BOUNDARY}\r\nX: ".encode() + b"y" * 50_000,
            "headers": {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
        },
    ],
)
def test_a_form_that_is_none_is_refused(client: httpx.Client, desk: ScriptedDesk, request_: dict[str, Any]) -> None:
    refused(client, 400, "malformed-form", **request_)
    assert desk.asked == []


def test_a_form_without_a_file_is_refused(client: httpx.Client) -> None:
    refused(client, 422, "no-file", **parts(("model", b"pneumonia")))


def test_text_behind_the_last_boundary_does_not_count_as_file(client: httpx.Client, desk: ScriptedDesk) -> None:
    request = parts(("file", b"film"))
    request["content"] = b"preamble\r\n" + request["content"] + b"epilogue"
    answer = client.post("/api/predict", **request)
    assert answer.status_code in (200, 400)
    assert all(asked[3] == b"film" for asked in desk.asked)


def begun(node: AskedNode, request: dict[str, Any], sent: int) -> http.client.HTTPConnection:
    """An upload of which `sent` bytes have been sent."""
    connection = http.client.HTTPConnection(node.client.base_url.host, node.client.base_url.port, timeout=60)
    cookie = f"{NAME}={node.client.cookies[NAME]}"
    headers = request["headers"] | {HEADER: node.client.headers[HEADER], "Cookie": cookie}
    connection.putrequest("POST", "/api/predict")
    for name, value in (headers | {"Content-Length": str(len(request["content"]))}).items():
        connection.putheader(name, value)
    connection.endheaders(request["content"][:sent])
    return connection


def test_an_upload_that_does_not_end_is_refused_when_its_time_is_over(
    monkeypatch: pytest.MonkeyPatch, node: AskedNode
) -> None:
    monkeypatch.setattr("scp_node.web.uploads.judging.RECEIVED", 0.005)
    with closing(begun(node, parts(("file", b"film")), 20)) as connection:
        answer = connection.getresponse()
        assert (answer.status, json.load(answer)["code"]) == (408, "upload-too-slow")


def test_many_at_once_wait_for_the_memory_there_is_and_all_are_judged(
    tmp_path: Path, ledger: Ledger, desk: ScriptedDesk
) -> None:
    """Whoever has memory can end: half an upload is in nobody's way."""
    files = {"file": ("a", bytes(700_000))}
    with (
        asked_node(tmp_path, ledger, desk=desk, uploads_bytes_max=MIB, upload_bytes_max=MIB) as node,
        ThreadPoolExecutor(12) as senders,
    ):
        answers = list(senders.map(lambda _: node.client.post("/api/predict", files=files), range(12)))
        assert [answer.status_code for answer in answers] == [200] * 12, [answer.text for answer in answers]
        assert node.app.state.uploads.bytes_held == 0


def test_what_finds_no_memory_in_time_is_to_come_again_and_holds_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ledger: Ledger, desk: ScriptedDesk
) -> None:
    monkeypatch.setattr("scp_node.web.uploads.judging.MEMORY", 0.005)
    request = parts(("file", bytes(700_000)))
    with asked_node(tmp_path, ledger, desk=desk, uploads_bytes_max=MIB, upload_bytes_max=MIB) as node:
        room = node.app.state.uploads
        with closing(begun(node, request, 1000)) as slow:
            until(lambda: room.bytes_held > 0)
            held = room.bytes_held
            refused(node.client, 503, "busy", files={"file": ("a", bytes(700_000))})
            assert room.bytes_held == held
            slow.send(request["content"][1000:])
            assert slow.getresponse().status == 200
        until(lambda: room.bytes_held == 0)


def test_more_than_may_be_at_work_is_to_come_again(tmp_path: Path, ledger: Ledger, desk: ScriptedDesk) -> None:
    with asked_node(tmp_path, ledger, "viewer", desk, uploads_max=0) as node:
        refused(node.client, 503, "busy", files={"file": ("a", b"22")})


def test_room_is_given_back_whatever_came_of_an_upload(node: AskedNode, desk: ScriptedDesk) -> None:
    for answer in (JUDGED, PictureFailed("crashed", "died")):
        desk.answer = answer
        node.client.post("/api/predict", files={"file": ("a", b"film")})
    refused(node.client, 413, "upload-too-large", files={"file": ("a", bytes(2 * MIB))})
    room = node.app.state.uploads
    assert (room.bytes_held, room._uploads) == (0, 0)


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("viewer", 200), ("operator", 200)])
def test_who_has_signed_in_may_upload(
    tmp_path: Path, ledger: Ledger, desk: ScriptedDesk, role: Role | None, status: int
) -> None:
    with asked_node(tmp_path, ledger, role, desk) as node:
        assert node.client.post("/api/predict", files={"file": ("a", b"film")}).status_code == status


@pytest.fixture(autouse=True)
def _no_file_is_made(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A form that is read the usual way would be spooled to a disk."""

    def forbidden(*_: Any, **__: Any) -> None:
        raise AssertionError("a temporary file")

    monkeypatch.setattr("starlette.formparsers.SpooledTemporaryFile", forbidden)
    monkeypatch.setattr("tempfile.SpooledTemporaryFile", forbidden)
    yield
