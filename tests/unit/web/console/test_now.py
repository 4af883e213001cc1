"""The page Now and its neighbours over HTTP: three languages, no database, and names that hold markup."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from scp_node.ledger import Ledger
from scp_node.ledger.callers import CallerRecord, Tally
from tests.unit.web.console.conftest import Visitor

NOW = datetime.now(UTC)
EVIL = "<img src=x>/\u202e" + "N" * 40


@pytest.mark.parametrize(
    ("language", "word"), [("en", "Images received"), ("de", "Bilder empfangen"), ("ja", "受信した画像")]
)
def test_the_page_is_read_in_three_languages(as_role: Visitor, language: str, word: str) -> None:
    answer = as_role(language=language).get("/")
    assert answer.status_code == 200 and word in answer.text
    assert len(answer.content) < 150_000


def test_a_database_that_cannot_be_read_is_said(as_role: Visitor, ledger: Ledger, tmp_path: Path) -> None:
    client = as_role()
    with ledger.transaction() as tx:
        tx.connection.exec_driver_sql("DROP TABLE hilum_event")
    answer = client.get("/")
    assert answer.status_code == 503 and "hilum doctor" in answer.text


def test_a_caller_whose_name_is_markup_is_shown_as_text_and_explained(as_role: Visitor, ledger: Ledger) -> None:
    rejected = {f"unknown AE title {EVIL}": Tally(2, NOW)}
    with ledger.transaction() as tx:
        tx.callers.add([CallerRecord(EVIL, EVIL, "10.0.0.9", NOW, NOW, rejections=rejected)])
    client = as_role()
    listed = client.get("/remote-aes").text
    assert "<img" not in listed and "&lt;img src=x&gt;" in listed
    address = listed.split('href="/remote-aes/%3C')[1].split('"')[0]
    told = client.get(f"/remote-aes/%3C{address}")
    assert told.status_code == 200 and "<img" not in told.text
    assert "No remote AE of the configuration has the AE title" in told.text


def test_who_is_neither_configured_nor_ever_called_is_not_there(as_role: Visitor) -> None:
    client = as_role("operator")
    assert client.get("/remote-aes/archive").status_code == 200
    assert client.get("/remote-aes/nobody").status_code == 404
    assert client.post("/remote-aes/nobody/echo", data={}).status_code == 409


def test_a_call_is_made_by_an_operator_and_its_problem_is_shown(as_role: Visitor) -> None:
    client = as_role("operator")  # nothing listens on port 104 here
    answer = client.post("/remote-aes/archive/echo", data={})
    assert (answer.status_code, answer.headers["location"]) == (303, "/remote-aes/archive#call")
    page = client.get("/remote-aes/archive").text
    assert "It did not answer well" in page and "nothing listens on that port" in page


def test_hosts_are_shown_and_one_of_another_version_is_an_alarm(as_role: Visitor, ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.hosts.enter("ward-1", "worker", "ward", "9.9.9")
    page = as_role().get("/").text
    assert ">ward</td>" in page and ">worker</td>" in page
    assert "The host ward runs version 9.9.9" in page
