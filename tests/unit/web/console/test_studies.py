"""The page Studies: every study once, filters in the address, patients never, and a CSV that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from converter.result.patient import Patient
from scp_node.ledger import Ledger
from scp_node.ledger import tables as t
from scp_node.queries import studies as studies_query
from scp_node.queries.studies import StudyKey
from scp_node.web.console import studies as studies_page
from scp_node.web.console.study_filter import key_of, written_key
from tests.support.ledger.ledgers import received
from tests.unit.web.console.conftest import Console

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LINK = re.compile(r'href="/studies/([0-9.]+)"')
NEXT = re.compile(r'rel="next" href="([^"]+)"')


def enter(ledger: Ledger, number: int, *, accession: str | None = None, patient: Patient | None = None) -> str:
    """A study with one image of this patient, which a worker has looked at."""
    record = replace(received(1, number), received_at=NOON + timedelta(minutes=number // 7))
    if accession is not None:
        record = replace(record, accession_number=accession)
    with ledger.transaction() as tx:
        tx.instances.add(record)
        if patient is not None:
            tx.instances.finish(
                record.sop_instance_uid, "inferred", route="chest", model="tiny@1", reportable=True, version=1
            )
            tx.versions.name_patient(record.sop_instance_uid, 1, patient)
    return record.study_instance_uid


def walk(console: Console, address: str) -> Iterator[list[str]]:
    """The UIDs on each page, from link to link."""
    while address:
        text = console.client("viewer").get(address).text
        yield LINK.findall(text)
        following = NEXT.search(text)
        address = following[1].replace("&amp;", "&") if following else ""


def test_the_pages_have_each_of_a_thousand_studies_once(console: Console, ledger: Ledger) -> None:
    rows = [replace(received(1, n), received_at=NOON + timedelta(minutes=n // 7)) for n in range(1, 1001)]
    with ledger.transaction() as tx:
        for row in rows:
            tx.instances.add(row)
    pages = list(walk(console, "/studies"))
    found = [uid for page in pages for uid in page]
    assert len(pages) == 20 and max(map(len, pages)) == studies_page.PAGE_STUDIES
    assert len(found) == len(set(found)) == 1000
    assert found[0].startswith("1.2.3.") and set(found) == {row.study_instance_uid for row in rows}


def test_filters_stand_in_the_address_and_stay_on_the_next_page(
    console: Console, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studies_page, "PAGE_STUDIES", 2)
    for number in range(1, 6):
        enter(ledger, number, accession="MINE" if number > 2 else "OTHER")
    pages = list(walk(console, "/studies?accession=MINE&declined="))
    assert [len(page) for page in pages] == [2, 1]
    assert sorted(uid for page in pages for uid in page) == ["1.2.3.3", "1.2.3.4", "1.2.3.5"]
    text = console.client("viewer").get("/studies?accession=MINE").text
    assert 'value="MINE"' in text and "/studies.csv?accession=MINE" in text


@pytest.mark.parametrize(
    "query",
    [
        "after=nonsense",
        "after=99999999999999999~1.2",
        "after=1~<script>",
        "received_from=yesterday&state=gone",
        "received_to=0001-01-01",
        "source=%01&finding=%ff",
    ],
)
def test_an_address_that_means_nothing_shows_a_page(console: Console, ledger: Ledger, query: str) -> None:
    enter(ledger, 1)
    answer = console.client("viewer").get(f"/studies?{query}")
    assert answer.status_code == 200 and "<script>" not in answer.text


def test_a_place_in_the_list_is_read_as_it_was_written() -> None:
    key = StudyKey(NOON + timedelta(microseconds=1), "1.2.3")
    assert key_of(written_key(key)) == key


def test_days_are_whole_and_the_last_one_counts(console: Console, ledger: Ledger) -> None:
    enter(ledger, 1)
    day = f"{NOON.astimezone():%Y-%m-%d}"
    before = f"{NOON.astimezone() - timedelta(days=1):%Y-%m-%d}"
    assert "1.2.3.1" in console.client("viewer").get(f"/studies?received_from={day}&received_to={day}").text
    assert "1.2.3.1" not in console.client("viewer").get(f"/studies?received_to={before}").text


HOSTILE = ("<script>alert(1)</script>", "\u202egnp.exe", "N" * 200, "\"'><img src=x onerror=alert(1)>", "{{ 7 * 7 }}")


@pytest.mark.parametrize("name", HOSTILE)
def test_what_comes_from_outside_is_text(console: Console, ledger: Ledger, name: str) -> None:
    uid = enter(ledger, 1, accession=name[:64], patient=Patient("ID<b>", "", name, "19700101"))
    for answer in (
        console.client("viewer").get("/studies"),
        console.client("viewer").post("/studies/search", data={"patient_name": name}),
        console.client("viewer").get(f"/studies/{uid}"),
    ):
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text and "<img src=x" not in answer.text and "ID<b>" not in answer.text
    assert uid in console.client("viewer").post("/studies/search", data={"patient_name": name}).text


def test_a_patient_is_searched_for_in_no_address_and_no_log(
    console: Console, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    mine = enter(ledger, 1, patient=Patient("P-77", "", "Müller^Hanna", ""))
    other = enter(ledger, 2, patient=Patient("P-78", "", "Meier^Otto", ""))
    for data in ({"patient_id": "p-77"}, {"patient_name": "MÜLLER, ha"}, {"patient_name": "müller h"}):
        answer = console.client("viewer").post("/studies/search", data=data)
        assert mine in answer.text and other not in answer.text
    assert "P-77" not in caplog.text and "ller" not in caplog.text
    assert console.client("viewer").get("/studies/search").status_code == 404


def test_nobody_looked_for_finds_nobody(console: Console, ledger: Ledger) -> None:
    uid = enter(ledger, 1, patient=Patient("", "", "", ""))
    assert uid not in console.client("viewer").post("/studies/search", data={}).text


def test_the_csv_has_every_study_of_the_filter_and_no_patient(
    console: Console, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studies_page, "CSV_BATCH", 3)
    for number in range(1, 11):
        enter(ledger, number, patient=Patient("P-77", "", "Secret^Name", "19700101"))
    answer = console.client("viewer").get("/studies.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="studies.csv"'
    assert len({row["study_instance_uid"] for row in rows}) == len(rows) == 10
    assert "Secret" not in answer.text and "P-77" not in answer.text and "1970" not in answer.text


@pytest.mark.parametrize("start", studies_page.FORMULA_STARTS)
def test_no_cell_of_the_csv_is_a_formula(console: Console, ledger: Ledger, start: str) -> None:
    enter(ledger, 1, accession=f"{start}cmd|' /C calc'!A0")
    (row,) = csv.DictReader(io.StringIO(console.client("viewer").get("/studies.csv").text))
    assert row["accession_number"].startswith("'")


def test_the_csv_ends_at_its_limit(console: Console, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studies_page, "CSV_STUDIES_MAX", 4)
    for number in range(1, 8):
        enter(ledger, number)
    assert len(console.client("viewer").get("/studies.csv").text.splitlines()) == 1 + 4


def test_an_empty_list_says_what_to_do(console: Console, ledger: Ledger) -> None:
    viewer = console.client("viewer")
    assert "No study has come yet" in viewer.get("/studies").text
    assert "Take a filter away" in viewer.get("/studies?accession=X").text
    assert "family name first" in viewer.post("/studies/search", data={"patient_id": "nobody"}).text


def test_a_stranger_is_asked_to_sign_in(console: Console) -> None:
    client = console.client()
    assert client.get("/studies").status_code == client.get("/studies.csv").status_code == 303


def test_what_is_positive_is_seen(console: Console, ledger: Ledger) -> None:
    uid = enter(ledger, 1, patient=Patient("P", "", "", ""))
    row = {"sop_instance_uid": f"{uid}.1", "position": 0, "name": "pneumonia", "concept": {}}
    with ledger.transaction() as tx:
        tx.connection.execute(
            sa.insert(t.finding).values(**row, probability=0.934, threshold=0.5, positive=True, regions=[], unplaced="")
        )
    assert "pneumonia 93.4 %" in console.client("viewer").get("/studies?finding=Pneumonia").text


def test_a_rare_study_is_looked_for_page_by_page_and_is_in_the_csv(
    console: Console, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studies_query, "LOOKED_THROUGH_MAX", 2)
    uids = [enter(ledger, number) for number in range(5)]
    with ledger.transaction() as tx:
        tx.connection.execute(
            sa.update(t.instance).where(t.instance.c.study_instance_uid == uids[-1]).values(source="x")
        )
    viewer = console.client("viewer")
    text = viewer.get("/studies?source=x").text
    assert "Looked through the studies that came since" in text and "No study is like that" not in text
    while (following := NEXT.search(text)) is not None:
        assert not LINK.findall(text)
        text = viewer.get(following[1].replace("&amp;", "&")).text
    assert LINK.findall(text) == uids[-1:]
    assert uids[-1] in viewer.get("/studies.csv?source=x").text
    answer = viewer.get("/api/studies?source=x").json()
    assert answer["items"] == [] and answer["next"]
