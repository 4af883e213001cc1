"""WADO-RS: the instances of a study come into the intake as they are read, and what ends that is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import Dataset

from scp_node.intake.group_commit import GroupCommit
from scp_node.intake.store import Store
from scp_node.receive.dicomweb_source import Fetched, FetchLimits, fetch_study
from scp_node.storage.spool import Spool
from tests.support.node.dicomweb import settings_to_vna, vna_of
from tests.support.node.receiving import MemoryLedger, files_below
from tests.support.peers.listeners import Act, Request, WebAnswer, closing, hanging, scripted_listener, web_server
from tests.support.web.stow import CONTENT_TYPE, a_film, body_of, files_of

STUDY = "1.2.826.0.1.3680043.10.1398.5"
FILMS = [a_film(seed, StudyInstanceUID=STUDY) for seed in (1, 2, 3)]
UIDS = tuple(str(one.SOPInstanceUID) for one in FILMS)
BODY = body_of(*files_of(*FILMS))
PARTS = {"Content-Type": CONTENT_TYPE}


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool")
    yield spool
    assert not list(spool.parts.iterdir())  # whatever happened, nothing half is left


def fetched(url: str, spool: Spool, ledger: MemoryLedger, limits: FetchLimits | None = None) -> Fetched:
    settings = settings_to_vna(url, response_timeout_s=1)
    store = Store(spool, GroupCommit(ledger, spool, lambda: None))
    return fetch_study(vna_of(settings), store, settings, STUDY, limits)


def test_each_instance_is_stored_and_comes_from_the_archive(spool: Spool, ledger: MemoryLedger) -> None:
    with web_server(lambda request: (200, PARTS, BODY)) as web:
        found = fetched(web.url("/dicom-web"), spool, ledger)
        again = fetched(web.url("/dicom-web"), spool, ledger)
    assert found.is_whole and again.is_whole and found.stored == again.stored == UIDS
    assert len(files_below(spool.root)) == len(ledger.jobs) == 3
    assert {(row.source, row.calling_ae_title, row.called_ae_title) for row in ledger.rows.values()} == {
        ("vna", "vna", "WADO-RS")
    }
    request = web.requests[0]
    assert (request.method, request.path) == ("GET", f"/dicom-web/studies/{STUDY}")
    assert request.headers["accept"] == 'multipart/related; type="application/dicom"; transfer-syntax=*'


def of_parts(*films: Dataset, cut: int = 0) -> WebAnswer:
    body = body_of(*files_of(*films))
    return 200, PARTS, body[: len(body) - cut]


ANSWERS: dict[str, tuple[WebAnswer, str, int]] = {
    "nothing there": ((404, {}, b""), "http-not-found", 0),
    "a wrong token": ((401, {}, b""), "http-unauthorised", 0),
    "no content": ((204, {}, b""), "not-dicomweb", 0),
    "a part of it": ((206, PARTS, BODY), "not-dicomweb", 0),
    "a page": ((200, {"Content-Type": "text/html"}, b"<html>"), "not-dicomweb", 0),
    "no type": ((200, {}, BODY), "not-dicomweb", 0),
    "no boundary": ((200, {"Content-Type": "multipart/related"}, BODY), "not-dicomweb", 0),
    "another boundary": ((200, {"Content-Type": "multipart/related; boundary=x"}, BODY), "not-dicomweb", 0),
    "no parts": ((200, PARTS, b""), "not-dicomweb", 0),
    "no end": (of_parts(*FILMS, cut=10), "not-dicomweb", 2),
    "half a part": (of_parts(*FILMS, cut=500), "not-dicomweb", 2),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_that_is_none_is_told(spool: Spool, ledger: MemoryLedger, case: str) -> None:
    answer, code, stored = ANSWERS[case]

    def said(request: Request) -> WebAnswer:
        return answer

    with web_server(said) as web:
        found = fetched(web.url(), spool, ledger)
    assert (found.code, len(found.stored), found.is_whole) == (code, stored, False), found
    assert found.why and set(ledger.rows) == set(found.stored)


def test_an_instance_of_another_study_is_not_taken(spool: Spool, ledger: MemoryLedger) -> None:
    with web_server(lambda request: of_parts(FILMS[0], a_film(9), FILMS[1])) as web:
        found = fetched(web.url(), spool, ledger)
    assert (found.stored, found.code, found.is_whole) == (UIDS[:2], "", False)
    assert [one.answer.status for one in found.answers] == [0, 0xA900, 0]


@pytest.mark.parametrize(
    ("limits", "code"),
    [(FetchLimits(instances_max=2), "not-dicomweb"), (FetchLimits(bytes_max=len(BODY) - 1), "answer-too-large")],
    ids=["instances", "bytes"],
)
def test_a_study_has_so_much_and_no_more(spool: Spool, ledger: MemoryLedger, limits: FetchLimits, code: str) -> None:
    with web_server(lambda request: (200, PARTS, BODY)) as web:
        found = fetched(web.url(), spool, ledger, limits)
    assert found.code == code and found.why and len(found.stored) <= 2
    assert set(ledger.rows) == set(found.stored)


HEAD = f"HTTP/1.1 200 OK\r\nContent-Type: {CONTENT_TYPE}\r\n"
LENGTH = f"{HEAD}Content-Length: {len(BODY)}\r\n\r\n".encode()


def begun_and(act: Act, body: bytes) -> Act:
    def both(held: object, came: bytes) -> None:
        held.sendall(LENGTH + body)  # type: ignore[attr-defined]
        act(held, came)  # type: ignore[arg-type]

    return both


CUTS: dict[str, tuple[Act, str]] = {
    "at once": (closing, "connection-lost"),
    "in the head of the answer": (lambda held, came: held.sendall(HEAD.encode()), "connection-lost"),
    "in a part": (begun_and(closing, BODY[: len(BODY) // 2]), "connection-lost"),
    "in a part, silent": (begun_and(hanging(5), BODY[: len(BODY) // 2]), "response-timeout"),
    "before its end": (begun_and(closing, BODY[:-1]), "connection-lost"),
}


@pytest.mark.parametrize("case", CUTS)
def test_a_cut_leaves_whole_instances_and_the_next_time_brings_the_rest(
    spool: Spool, ledger: MemoryLedger, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scp_node.deliver.http import exchange

    monkeypatch.setattr(exchange, "BYTES_PER_S_MIN", 2**40)
    act, code = CUTS[case]
    with scripted_listener(act, until=b"\r\n\r\n") as archive:
        found = fetched(f"http://127.0.0.1:{archive.port}", spool, ledger)
    assert found.code == code and not found.is_whole
    assert set(ledger.rows) == set(found.stored) and len(files_below(spool.root)) == len(found.stored)
    with web_server(lambda request: (200, PARTS, BODY)) as web:
        assert fetched(web.url(), spool, ledger).is_whole
    assert set(ledger.rows) == set(UIDS)
