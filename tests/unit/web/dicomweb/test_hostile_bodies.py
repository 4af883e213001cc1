"""STOW-RS: no body does harm. What is no instance fails by itself, what is no body ends in a clear answer, what is slow
or cut leaves whole instances only."""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydicom import Dataset

from scp_node.ledger import Ledger
from tests.support.dicom.part10 import as_pydicom_writes
from tests.support.dicom.phantoms import make_dx
from tests.support.waiting import until
from tests.support.web.stow import (
    BOUNDARY,
    CONTENT_TYPE,
    FAILED,
    OTHERS,
    REFERENCED,
    STUDIES,
    StowNode,
    a_film,
    begun,
    body_of,
    files_of,
    reasons_in,
    stored_in,
    stow,
    stow_node,
    token_of,
    uids_in,
)

MIB = 1024**2


def without(ds: Dataset, keyword: str) -> Dataset:
    delattr(ds, keyword)
    return ds


WHOLE = as_pydicom_writes(a_film(8))
META = b"\x02\0\x02\1OB\0\0"  # the beginning of an element of it
# A part, and the reason for which it fails; of some it cannot be told which object they are.
PARTS: dict[str, tuple[bytes, int, bool]] = {
    "nothing": (b"", 0xC000, False),
    "no DICOM": (b"\x89PNG" + bytes(500), 0xC000, False),
    "a preamble": (bytes(128), 0xC000, False),
    "a prefix and no more": (bytes(128) + b"DICM", 0x0117, False),
    "meta information cut short": (WHOLE[:200], 0xC000, False),
    "meta information without an end": (
        WHOLE[:132] + b"\x02\0\x02\1OB\0\0\xff\xff\xff\x7f" + bytes(900),
        0xC000,
        False,
    ),
    "meta information in no known VR": (WHOLE[:132] + b"\x02\0\x02\0??" + bytes(500), 0xC000, False),
    "large meta information": (
        WHOLE[:132]
        + b"\x02\0\x02\1OB\0\0\x00\xf0\0\0"
        + bytes(0xF000)
        + b"\x02\0\x03\1OB\0\0\x00\xf0\0\0"
        + bytes(0xF000),
        0xC000,
        False,
    ),
    "no data set": (WHOLE[: 132 + 12 + int.from_bytes(WHOLE[140:144], "little")], 0xC000, True),
    "data set cut short": (WHOLE[:-100], 0xC000, True),
    "another SOP class": (as_pydicom_writes(a_film(9, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.33")), 0x0122, True),
    "a transfer syntax of video": (
        WHOLE.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0", 1),
        0xC122,
        True,
    ),
    "another instance than its meta information says": (
        WHOLE.replace(str(a_film(8).SOPInstanceUID).encode(), str(a_film(8).SOPInstanceUID).encode()[:-2] + b"99", 1),
        0xA900,
        True,
    ),
    "no study": (as_pydicom_writes(without(a_film(10), "StudyInstanceUID")), 0xC000, True),
}


@pytest.mark.parametrize("case", PARTS)
def test_a_part_that_cannot_be_stored_does_not_keep_the_others_from_it(
    node: StowNode, client: httpx.Client, case: str
) -> None:
    part, reason, is_named = PARTS[case]
    alone = stow(client, part)
    assert (alone.status_code, reasons_in(alone, FAILED if is_named else OTHERS)) == (409, [reason]), alone.text
    assert REFERENCED not in alone.json() and alone.headers["warning"].startswith('299 hilum "')
    assert not stored_in(node)
    first, last = a_film(1), a_film(2)
    mixed = stow(client, *files_of(first), part, *files_of(last))
    assert mixed.status_code == 202
    assert uids_in(mixed, REFERENCED) == [str(one.SOPInstanceUID) for one in (first, last)]
    assert reasons_in(mixed, FAILED if is_named else OTHERS) == [reason]
    assert set(stored_in(node)) == {str(first.SOPInstanceUID), str(last.SOPInstanceUID)}


GOOD = as_pydicom_writes(a_film(1))
ANOTHER = as_pydicom_writes(a_film(2))
OUTER = 'multipart/related; type="application/dicom"; boundary=outer'
# A whole request: its Content-Type, its body, its status, and how many instances are stored.
BODIES: dict[str, tuple[str, bytes, int, int]] = {
    "no content type": ("", body_of(GOOD), 415, 0),
    "a form": (f"multipart/form-data; boundary={BOUNDARY}", body_of(GOOD), 415, 0),
    "metadata": (f'multipart/related; type="application/dicom+json"; boundary={BOUNDARY}', body_of(GOOD), 415, 0),
    "one file without parts": ("application/dicom", GOOD, 415, 0),
    "no boundary": ('multipart/related; type="application/dicom"', body_of(GOOD), 400, 0),
    "an empty boundary": ('multipart/related; type="application/dicom"; boundary=""', body_of(GOOD), 400, 0),
    "a long boundary": (f'multipart/related; type="application/dicom"; boundary={"x" * 201}', body_of(GOOD), 400, 0),
    "another boundary": (CONTENT_TYPE, body_of(GOOD, boundary="other"), 400, 0),
    "nothing": (CONTENT_TYPE, b"", 400, 0),
    "only an end": (CONTENT_TYPE, b"--" + BOUNDARY.encode() + b"--\r\n", 400, 0),
    "a preamble and an epilogue": (CONTENT_TYPE, b"\r\nhello\r\n" + body_of(GOOD) + b"good bye", 200, 1),
    "a quoted boundary": (
        f'multipart/related; type="application/dicom"; boundary="{BOUNDARY}"',
        body_of(GOOD),
        200,
        1,
    ),
    "no type of the parts": (f"multipart/related; boundary={BOUNDARY}", body_of(GOOD), 200, 1),
    "a part without a type": (CONTENT_TYPE, body_of(GOOD, head=b"\r\n"), 200, 1),
    "a part with a transfer syntax": (
        CONTENT_TYPE,
        body_of(GOOD, head=b"Content-Type: application/dicom; transfer-syntax=1.2.840.10008.1.2.1\r\n\r\n"),
        200,
        1,
    ),
    "a part of another type": (CONTENT_TYPE, body_of(GOOD, head=b"Content-Type: image/png\r\n\r\n"), 409, 0),
    "nested parts": (
        OUTER,
        body_of(body_of(GOOD), boundary="outer", head=f"Content-Type: {CONTENT_TYPE}\r\n\r\n".encode()),
        409,
        0,
    ),
    "a large head": (CONTENT_TYPE, body_of(GOOD, head=b"X-Much: " + b"x" * 9000 + b"\r\n\r\n"), 400, 0),
    "a head of many lines": (
        CONTENT_TYPE,
        body_of(GOOD, head=b"".join(b"X-%d: y\r\n" % n for n in range(99)) + b"\r\n"),
        400,
        0,
    ),
    "lines that add up": (
        CONTENT_TYPE,
        body_of(GOOD, head=b"".join(b"X-%d: %s\r\n" % (n, b"y" * 900) for n in range(20)) + b"\r\n"),
        400,
        0,
    ),
    "a head without an end": (CONTENT_TYPE, b"--" + BOUNDARY.encode() + b"\r\nContent-Type: appl", 400, 0),
    "no last boundary": (CONTENT_TYPE, body_of(GOOD)[: -len(BOUNDARY) - 6], 400, 0),
    "a last boundary cut short": (CONTENT_TYPE, body_of(GOOD)[:-4], 400, 0),
    "a second part cut short": (CONTENT_TYPE, body_of(GOOD, ANOTHER)[:-2000], 202, 1),
    "a second head that is none": (CONTENT_TYPE, body_of(GOOD, end="\r\n\0\0: x\r\n\r\n"), 202, 1),
}


@pytest.mark.parametrize("in_chunks", [False, True], ids=["of a length", "in chunks"])
@pytest.mark.parametrize("case", BODIES)
def test_every_body_ends_in_a_clear_answer(node: StowNode, client: httpx.Client, case: str, in_chunks: bool) -> None:
    content_type, body, status, count = BODIES[case]
    headers = {"Content-Type": content_type} if content_type else {}
    pieces = (body[start : start + 777] for start in range(0, len(body), 777))
    answer = client.post(STUDIES, content=pieces if in_chunks else body, headers=headers)
    assert answer.status_code == status, answer.text
    assert len(stored_in(node)) == count
    if status in (400, 415):
        assert answer.headers["content-type"] == "application/problem+json" and answer.json()["detail"]
    else:
        assert len(uids_in(answer, REFERENCED)) == count


@pytest.mark.parametrize("in_chunks", [False, True], ids=["of a length", "in chunks"])
def test_a_request_has_so_many_bytes_and_no_more(tmp_path: Path, ledger: Ledger, in_chunks: bool) -> None:
    large = as_pydicom_writes(make_dx(rows=600, columns=1000, seed=3))
    with stow_node(tmp_path, ledger, request_bytes_max=MIB) as node, node.client(token_of(ledger)) as client:
        body = body_of(large)
        content = iter([body[:MIB], body[MIB:]]) if in_chunks else body
        answer = client.post(STUDIES, content=content, headers={"Content-Type": CONTENT_TYPE})
        assert (answer.status_code == 413 and "request_bytes_max" in answer.text) or "web.stow" in answer.text
        assert not stored_in(node)


def test_one_request_too_many_is_to_come_again(tmp_path: Path, ledger: Ledger) -> None:
    with stow_node(tmp_path, ledger, requests_max=1) as node, node.client(token_of(ledger)) as client:
        token = client.headers["authorization"].removeprefix("Bearer ")
        with closing(begun(node, token, body_of(GOOD), 100)) as slow:
            answer = stow(client, *files_of(a_film()))
            while answer.status_code == 200:  # the first one had not yet been read
                answer = stow(client, *files_of(a_film()))
            assert (answer.status_code, answer.json()["code"]) == (503, "busy")
            assert answer.headers["retry-after"]
            slow.sendall(body_of(GOOD)[100:])
            assert slow.recv(100).startswith(b"HTTP/1.1 200")
        assert stow(client, *files_of(a_film())).status_code == 200


SLOW: dict[str, dict[str, Any]] = {
    "nothing comes": {"idle_timeout_s": 0.2},
    "an instance takes too long": {"message_timeout_s": 0.2},
    "too little comes": {"bytes_per_s_min": 10**9, "rate_window_s": 0.2},
}


@pytest.mark.parametrize("case", SLOW)
def test_a_slow_body_is_told_so_and_leaves_nothing(tmp_path: Path, ledger: Ledger, case: str) -> None:
    with stow_node(tmp_path, ledger, receiver=SLOW[case]) as node:
        with closing(begun(node, token_of(ledger), body_of(GOOD), 100, 10**6)) as slow:
            answer = slow.recv(4096)
        assert answer.startswith(b"HTTP/1.1 408"), answer
        assert not stored_in(node)


def test_a_request_is_cut_off_at_its_own_time_and_not_at_that_of_pages(tmp_path: Path, ledger: Ledger) -> None:
    with stow_node(tmp_path, ledger, web={"request_timeout_s": 0.05}, request_timeout_s=3.0) as node:
        with closing(begun(node, token_of(ledger), body_of(GOOD), 100, 10**6)) as slow:
            slow.settimeout(0.3)
            with pytest.raises(TimeoutError):
                slow.recv(1)
            slow.settimeout(30)
            with suppress(ConnectionResetError):
                assert slow.recv(1) == b""
        assert not stored_in(node)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_connection_that_is_cut_leaves_whole_instances_only(node: StowNode, share: float) -> None:
    body = body_of(GOOD, ANOTHER)
    with closing(begun(node, token_of(node.ledger), body, int(len(body) * share))):
        pass
    until(lambda: not list(node.spool.parts.iterdir()), "nothing half is left")
    assert len(stored_in(node)) <= 1
