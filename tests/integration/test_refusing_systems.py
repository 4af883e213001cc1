"""Systems that refuse a message for good, and take it once somebody has mended them; and the report of the same study
on one page, by command and over the API."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import hl7
import httpx
import pytest
from pypdf import PdfReader

from scp_node.queries.deliveries import DeliveryFilter, list_deliveries
from tests.integration.test_messages import a_film, deliveries, hilum
from tests.support.node.node import RunningNode, running_node
from tests.support.peers.archives import scripted_archive
from tests.support.peers.listeners import Listener, Request, WebAnswer, WebServer, hl7_listener, web_server
from tests.support.peers.modality import store
from tests.support.waiting import until

# A node starts, judges and is asked by commands: a busy machine takes its time.
pytestmark = pytest.mark.timeout(600)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
REFUSAL = ("AR", "ERR|||203^Unsupported version id^HL70357|E||||only 2.3 is spoken here")
VERDICT = re.compile(r"[0-9.]+ % (PRESENT|ABSENT), 1 film analysed")


@dataclass
class Told:
    """A node that has told two systems of a study, both of which refused it, and its user `ops`."""

    node: RunningNode
    ris: Listener
    worklist: WebServer
    study: str
    api: httpx.Client


def refusing_once() -> Iterator[WebAnswer]:
    yield 422, {"Content-Type": "application/json"}, b'{"error": "no such accession number"}'
    while True:
        yield 204, {}, b""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder, answers = tmp_path_factory.mktemp("refusing"), refusing_once()

    def answer(_: Request) -> WebAnswer:
        return next(answers)

    with ExitStack() as stack:
        ris = stack.enter_context(hl7_listener(script=[REFUSAL, ("AA", "")]))
        worklist = stack.enter_context(web_server(answer))
        archive = stack.enter_context(scripted_archive())
        systems = {
            "ris": {"kind": "hl7", "host": "127.0.0.1", "port": ris.port, "raise_priority": "urgent"},
            "worklist": {"kind": "webhook", "url": worklist.url("/hook"), "secret": SECRET, "raise_priority": "urgent"},
        }
        route = {"name": "chest", "model": "pneumonia", "to": ["pacs"], "notify": list(systems)}
        node = stack.enter_context(
            running_node(folder, {"pacs": ("ARCHIVE", archive.port)}, systems=systems, routes=[route])
        )
        ds = a_film(7)
        ds.RequestedProcedurePriority = "STAT"
        assert store(node.port, [ds]) == [0x0000]
        until(
            lambda: states(node),
            "dead letters",
            timeout_s=150,
            pause_s=0.5,
            enough=lambda seen: (seen.get("ris"), seen.get("worklist"), seen.get("pacs")) == ("dead", "dead", "sent"),
        )
        assert hilum(node, "user", "add", "ops", "--role", "operator")[0] == 0
        token = hilum(node, "user", "token", "ops", "--scope", "read", "--scope", "operate")[1].split()
        secret = next(word for word in token if len(word) > 30)
        base = f"http://127.0.0.1:{node.web_port}"
        headers = {"Authorization": f"Bearer {secret}"}
        api = stack.enter_context(httpx.Client(base_url=base, headers=headers, timeout=120, trust_env=False))
        yield Told(node, ris, worklist, str(ds.StudyInstanceUID), api)


def states(node: RunningNode) -> dict[str, str]:
    """By destination; those of the archive as one. Read without a process for each look."""
    ledger = node.ledger()
    with ledger.reading() as tx:
        found: dict[str, str] = {one.destination: one.state for one in list_deliveries(tx, DeliveryFilter(), None)}
    ledger.engine.dispose()
    return found


def of(told: Told, destination: str) -> dict[str, object]:
    (one,) = [one for one in deliveries(told.node) if one["destination"] == destination]
    return one


def priorities(told: Told) -> tuple[set[str], set[str]]:
    """Suggested by each message that came, to the RIS and to the worklist."""
    messages = [hl7.parse(one.decode()) for one in told.ris.received]
    hooks = [json.loads(one.body) for one in told.worklist.requests]
    return (
        {str(one.segment("TQ1")[9][0][0]) for one in messages},
        {one["priority"]["suggested"] for one in hooks},
    )


def test_a_dead_letter_says_what_the_system_answered_and_is_delivered_once_when_it_is_sent_again(told: Told) -> None:
    refused = of(told, "ris")
    assert refused["attempts"] == 1
    for said in ("AR", "203", "it does not take HL7 v2.5.1", "only 2.3 is spoken here"):
        assert said in str(refused["detail"]), said
    for said in ("HTTP 422", "no such accession number"):
        assert said in str(of(told, "worklist")["detail"]), said
    code, text = hilum(told.node, "jobs", "retry", "--to", "ris")
    assert code == 0 and "tried again now" in text
    jobs = told.api.get("/api/jobs?state=dead").json()["items"]
    (job,) = [one for one in jobs if one["destination"] == "worklist"]
    assert told.api.post(f"/api/jobs/{job['job_id']}/retry").status_code == 200
    until(
        lambda: states(told.node),
        "both are told",
        timeout_s=120,
        pause_s=0.5,
        enough=lambda seen: (seen.get("ris"), seen.get("worklist")) == ("sent", "sent"),
    )
    assert len(told.ris.received) == len(told.worklist.requests) == 2
    assert told.ris.received[0] == told.ris.received[1]
    assert len({one.headers["webhook-id"] for one in told.worklist.requests}) == 1
    assert priorities(told) == ({"S"}, {"stat"})


def test_a_message_is_said_not_to_be_reproduced(told: Told) -> None:
    code, text = hilum(told.node, "reproduce", str(of(told, "ris")["result_uid"]))
    assert code == 2 and "is a message to a system" in text and "name the report beside it" in text


def test_the_report_is_one_sheet_for_a_terminal_a_file_and_a_program(told: Told, tmp_path: Path) -> None:
    code, text = hilum(told.node, "report", "ACC7")
    assert code == 0, text
    verdict = next(
        line for line in text.splitlines() if re.search(r"[0-9.]+ % (PRESENT|ABSENT), 1 film analysed", line)
    )
    finding = verdict.split(",")[0].rpartition(" ")[0]
    for form, suffix in (("--html", "html"), ("--pdf", "pdf")):
        file = tmp_path / f"sheet.{suffix}"
        code, said = hilum(told.node, "report", told.study, form, "--out", str(file))
        assert code == 0, said
        answer = told.api.get(f"/api/studies/{told.study}/report.{suffix}")
        assert answer.status_code == 200, answer.text
        shown = [file.read_bytes(), answer.content]
        if suffix == "pdf":
            assert answer.headers["content-type"] == "application/pdf"
            words = [PdfReader(BytesIO(one)).pages[0].extract_text() for one in shown]
        else:
            assert "sandbox" in answer.headers["content-security-policy"]
            words = [one.decode() for one in shown]
        assert all(finding in one for one in words)


@pytest.mark.parametrize(
    ("words", "code"), [(("NOBODY",), 4), (("ACC7", "--route", "other"), 4)], ids=["study", "route"]
)
def test_a_report_that_is_not_there_is_said_not_to_be(told: Told, words: tuple[str, ...], code: int) -> None:
    assert hilum(told.node, "report", *words)[0] == code


def test_the_api_lets_nobody_read_a_report_without_a_token_and_remembers_who_did(told: Told) -> None:
    path = f"/api/studies/{told.study}/report.pdf"
    assert httpx.get(f"{told.api.base_url}{path}", trust_env=False).status_code == 401
    assert told.api.get(path).status_code == 200
    assert told.api.get("/api/studies/1.2.3/report.pdf").json()["code"] == "nothing-found"
    ledger = told.node.ledger()
    with ledger.reading() as tx:
        seen = tx.audit.before(None, 50, who="ops", act="view-study")
    ledger.engine.dispose()
    assert [one.object_id for one in seen] == [told.study]
