"""The page of one study shows what the ledger knows, and its acts are for those who may."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from scp_node.errors import PictureFailed
from scp_node.ledger import Ledger
from scp_node.ledger import tables as t
from scp_node.ledger.records import now_utc
from scp_node.operations.acts import Act, ActOutcome
from scp_node.storage.spool import Spool
from scp_node.web.console import study as study_page
from scp_node.web.console import study_acts
from scp_node.web.pictures.desk import PictureDesk
from scp_node.web.pictures.frames import Frame
from scp_node.web.pictures.report_form import POLICY
from tests.support.dicom.phantoms import make_dx, write_dx
from tests.support.ledger.ledgers import new_ledger, received
from tests.support.waiting import until
from tests.unit.queries.cases import NOON, fill
from tests.unit.web.console.conftest import Console, Visitor

STUDY, IMAGE = "1.2.3.1", "1.2.3.1.1"
ADDRESS = f"/studies/{STUDY}"


@pytest.fixture
def ledger(tmp_path: Path) -> Any:
    fill(tmp_path)
    one = new_ledger(tmp_path)
    yield one
    one.engine.dispose()


def test_everything_is_there_that_the_ledger_knows(console: Console) -> None:
    text = console.client("viewer").get(ADDRESS).text
    for said in (
        *("ACC1", "Bright", "present", "90.0 %", "threshold 50.0 %", "age unknown", "tiny@1.0.0"),
        *("not-frontal", "View Position is LL", "correct View Position at the modality"),
        *("pacs keeps it", "refused for good", "given up", "connection refused", "Judged", "12 ms"),
    ):
        assert said in text, said


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "right lung, lower zone"), ("de", "rechte Lunge, Unterfeld"), ("ja", "右肺, 下肺野")],
)
def test_a_finding_says_where_in_the_lungs_it_is(console: Console, language: str, words: str) -> None:
    page = console.client("viewer").get(ADDRESS, headers={"accept-language": language}).text
    assert page.count(words) == 1


def test_the_outline_of_the_lungs_is_offered_where_there_is_one(console: Console, ledger: Ledger) -> None:
    viewer = console.client("viewer")
    page = viewer.get(ADDRESS).text
    assert page.count(" data-lungs ") == 1 and page.count('data-does="lungs"') == 1 and "<kbd>l</kbd>" in page
    with ledger.transaction() as tx:
        tx.connection.execute(sa.update(t.analysis).values(lungs=None))
    page = viewer.get(ADDRESS).text
    assert "data-lungs" not in page and 'data-does="lungs"' not in page and "<kbd>l</kbd>" not in page
    assert viewer.get(f"{ADDRESS}/films/{IMAGE}/lungs.png").status_code == 404


def test_an_unknown_study_says_where_to_look(console: Console) -> None:
    for uid in ("9.9", "nonsense", "%3Cscript%3E", "1" * 500):
        answer = console.client("viewer").get(f"/studies/{uid}")
        assert answer.status_code == 404 and "accession number" in answer.text and "<script>" not in answer.text


@pytest.mark.parametrize("act", ["retry", "report-anew", "send", "erase", "results/1.2.9.1/reproduce"])
def test_a_viewer_sees_no_act_and_may_do_none(console: Console, act: str) -> None:
    viewer = console.client("viewer")
    assert 'method="post" action="/studies/' not in viewer.get(ADDRESS).text
    assert viewer.post(f"{ADDRESS}/{act}", data={"destination": "archive"}).status_code == 403


def test_an_operator_may_do_everything_but_erase(console: Console) -> None:
    operator = console.client("operator")
    assert f'action="{ADDRESS}/erase"' not in operator.get(ADDRESS).text
    assert operator.post(f"{ADDRESS}/erase", data={"last_digits": STUDY[-4:]}).status_code == 403


def test_what_was_given_up_is_tried_again(console: Console, ledger: Ledger) -> None:
    answer = console.client("operator").post(f"{ADDRESS}/retry")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{ADDRESS}?said=retried")
    with ledger.reading() as tx:
        job = tx.jobs.get("delivery:3")
    assert job is not None and job.state == "waiting"
    again = console.client("operator").post(f"{ADDRESS}/retry")
    assert again.status_code == 404 and "nothing of this study was given up" in again.text


@pytest.mark.parametrize(
    ("outcomes", "said", "words"),
    [
        (("done", "refused"), "partly-retried", "Some of what was given up is tried again now"),
        (("refused", "refused"), "not-retried", "Nothing is tried again"),
    ],
)
def test_a_retry_says_how_it_ended(
    console: Console, monkeypatch: pytest.MonkeyPatch, outcomes: tuple[ActOutcome, ...], said: str, words: str
) -> None:
    acts = [Act("retry-job", "job", "delivery:3", "anna", outcome) for outcome in outcomes]
    monkeypatch.setattr(study_acts, "retry_study", lambda *_: acts)
    operator = console.client("operator")
    location = operator.post(f"{ADDRESS}/retry").headers["location"]
    assert location.endswith(f"said={said}") and words in operator.get(location).text


def test_results_are_sent_to_another_remote_ae(console: Console) -> None:
    operator = console.client("operator")
    answer = operator.post(f"{ADDRESS}/send", data={"destination": "modality"})
    assert answer.headers["location"].endswith("said=sent")
    assert "to be sent" in operator.get(ADDRESS).text
    assert operator.post(f"{ADDRESS}/send", data={"destination": "elsewhere"}).status_code == 409


def test_a_study_is_reported_anew(console: Console, ledger: Ledger) -> None:
    answer = console.client("operator").post(f"{ADDRESS}/report-anew")
    assert answer.headers["location"].endswith("said=anew")
    with ledger.reading() as tx:
        assert [job.subject for job in tx.jobs.pending_reports(STUDY)] == ["chest"]


def test_nothing_is_erased_until_the_end_of_the_uid_was_typed(console: Console, ledger: Ledger) -> None:
    admin = console.client("admin")
    for typed in ("", "9999"):
        assert admin.post(f"{ADDRESS}/erase", data={"last_digits": typed}).status_code == 409
    assert admin.get(ADDRESS).status_code == 200
    with ledger.transaction() as tx:  # their files are made up, and have no names that a spool knows
        tx.connection.execute(sa.update(t.result).values(spool_name="a" * 64))
    answer = admin.post(f"{ADDRESS}/erase", data={"last_digits": STUDY[-4:]})
    assert answer.status_code == 200 and "The study is erased" in answer.text
    assert admin.get(ADDRESS).status_code == 404


def test_a_page_asks_again_only_while_something_changes_soon(console: Console, ledger: Ledger) -> None:
    viewer = console.client("viewer")
    for state, wait_s, asks in [
        *(("waiting", 3600, False), ("waiting", 20, True), ("queued", 0, True), ("dead", 0, False)),
    ]:
        with ledger.transaction() as tx:
            due_at = now_utc() + timedelta(seconds=wait_s)
            tx.connection.execute(sa.update(t.job).values(state=state, due_at=due_at))
        text = viewer.get(ADDRESS).text
        assert ("hx-trigger" in text) == asks == ('"X-Hilum-Alone": "1"' in text), state


def test_what_was_given_up_is_seen_however_many_jobs_are_done(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_page, "ROWS_MAX", 1)
    text = console.client("operator").get(ADDRESS).text
    assert f'action="{ADDRESS}/retry"' in text and "Not everything is shown" in text


def test_a_film_is_a_picture_that_no_cache_keeps(console: Console, tmp_path: Path) -> None:
    path = Spool(tmp_path / "spool").path(received(1, 1).spool_name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_dx(path, make_dx(rows=300, columns=260))
    film = console.client("viewer").get(f"{ADDRESS}/films/{IMAGE}.png")
    assert film.status_code == 200 and film.content.startswith(b"\x89PNG")
    assert film.headers["cache-control"] == "no-store" and '"rows": 300' in film.headers["x-hilum-film"]
    layer = console.client("viewer").get(f"{ADDRESS}/films/{IMAGE}/map/bright.png")
    assert layer.status_code == 200 and layer.headers["content-type"] == "image/png"


def test_what_is_no_film_of_the_study_is_not_shown(console: Console) -> None:
    viewer = console.client("viewer")
    assert viewer.get(f"/studies/1.2.3.2/films/{IMAGE}.png").status_code == 404
    assert viewer.get(f"{ADDRESS}/films/{IMAGE}/map/none.png").status_code == 404
    assert viewer.get(f"{ADDRESS}/results/1.2.9.2/report").status_code == 404
    lost = viewer.get(f"{ADDRESS}/films/{IMAGE}.png")
    assert lost.status_code == 422 and lost.text.startswith("unreadable: ")


def test_a_film_that_retention_has_removed_says_so(console: Console, ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.connection.execute(sa.update(t.instance).values(removed_at=NOON, removed_because="age"))
    viewer = console.client("viewer")
    answer = viewer.get(f"{ADDRESS}/films/{IMAGE}.png")
    assert answer.status_code == 410 and "removed by retention on 2026-03-01" in answer.text
    text = viewer.get(ADDRESS).text
    assert "No film can be shown" in text and "removed by retention on 2026-03-01" in text


@pytest.mark.parametrize(("code", "status"), [("crashed", 503), ("timeout", 503), ("undecodable", 422)])
def test_a_child_that_fails_is_told_from_an_image_that_cannot_be_shown(
    console: Console, monkeypatch: pytest.MonkeyPatch, code: str, status: int
) -> None:
    monkeypatch.setattr(PictureDesk, "ask", _raising(PictureFailed(code, "in words")))
    answer = console.client("viewer").get(f"{ADDRESS}/films/{IMAGE}.png")
    assert (answer.status_code, answer.text) == (status, f"{code}: in words")


PARTS = (
    *(f"films/{IMAGE}.png", f"films/{IMAGE}/map/bright.png"),
    *("results/1.2.9.1/report", "results/1.2.9.1/report.pdf"),
)


@pytest.mark.parametrize("part", PARTS)
def test_whoever_asks_for_a_part_alone_has_viewed_the_study(
    console: Console, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(PictureDesk, "ask", lambda *_: ({}, [b"x"]))
    assert _named(console)
    assert console.client("viewer").get(f"{ADDRESS}/{part}").status_code == 200
    with ledger.reading() as tx:
        assert [(row.who, row.act) for row in tx.audit.before(None, 1)] == [("vera", "view-study")]


def test_a_report_is_read_in_a_sandbox(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PictureDesk, "ask", lambda *_: ({}, [b"<!DOCTYPE html>"]))
    answer = console.client("viewer").get(f"{ADDRESS}/results/1.2.9.1/report") if _named(console) else None
    assert answer is not None and answer.headers["content-security-policy"] == POLICY
    assert "sandbox" in POLICY and "script" not in POLICY


def test_a_report_is_a_document_to_print_too(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PictureDesk, "ask", lambda *_: ({}, [b"%PDF-1.7"]))
    viewer = console.client("viewer")
    assert _named(console) and f"{ADDRESS}/results/1.2.9.1/report.pdf" in viewer.get(ADDRESS).text
    answer = viewer.get(f"{ADDRESS}/results/1.2.9.1/report.pdf")
    assert answer.headers["content-type"] == "application/pdf" and answer.content == b"%PDF-1.7"
    assert answer.headers["content-disposition"] == 'inline; filename="report.pdf"'
    assert viewer.get(f"{ADDRESS}/results/1.2.9.2/report.pdf").status_code == 404


def test_the_page_of_a_report_is_asked_for_in_the_readers_language(
    console: Console, monkeypatch: pytest.MonkeyPatch, as_role: Visitor
) -> None:
    asked: list[dict[str, Any]] = []

    def ask(desk: PictureDesk, lane: str, task: str, arguments: dict[str, Any], *others: object) -> Frame:
        asked.append(arguments)
        return {}, [b"<!DOCTYPE html>"]

    monkeypatch.setattr(PictureDesk, "ask", ask)
    assert _named(console) and as_role("viewer", "de").get(f"{ADDRESS}/results/1.2.9.1/report").status_code == 200
    (arguments,) = asked
    assert arguments["language"] == "de"
    assert IMAGE in arguments["films"] and arguments["spool_name"] == "a" * 64


def test_an_analysis_runs_again_and_the_page_says_how_it_ended(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = [{"what": "sr 1.2.9.1", "verdict": "differs", "detail": "in <b>"}]
    monkeypatch.setattr(PictureDesk, "ask", lambda *_: ({"verdict": "differs", "checks": checks}, []))
    operator = console.client("operator")
    assert operator.post(f"{ADDRESS}/results/1.2.9.1/reproduce").headers["location"].endswith("said=reproducing")
    until(lambda: "The result is NOT reproduced." in operator.get(ADDRESS).text, lambda: operator.get(ADDRESS).text)
    assert "in &lt;b&gt;" in operator.get(ADDRESS).text
    assert operator.post(f"{ADDRESS}/results/9.9/reproduce").status_code == 404


def test_an_analysis_that_runs_is_not_begun_twice(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    looked_at = threading.Event()

    def slow(*_: Any) -> Any:
        asked.append(time.monotonic())
        looked_at.wait(60)
        raise PictureFailed("timeout", "not made within 300 s")

    monkeypatch.setattr(PictureDesk, "ask", slow)
    operator = console.client("operator")
    for _ in range(3):
        operator.post(f"{ADDRESS}/results/1.2.9.1/reproduce")
    assert "<progress" in operator.get(ADDRESS).text and len(asked) == 1
    looked_at.set()
    until(lambda: "not made within 300 s" in operator.get(ADDRESS).text, lambda: operator.get(ADDRESS).text)


def _raising(error: Exception) -> Callable[..., Any]:
    def ask(*_: Any) -> Any:
        raise error

    return ask


def _named(console: Console) -> bool:
    """The result has a name as the spool gives them."""
    with console.context.ledger.transaction() as tx:
        tx.connection.execute(sa.update(t.result).values(spool_name="a" * 64))
    return True


def test_attempts_that_end_alike_are_one_line_and_other_steps_of_the_same_name_are_not(
    console: Console, ledger: Ledger
) -> None:
    with ledger.transaction() as tx:
        for second in range(9):
            tx.events.add(
                STUDY, "1.2.9.1", "send", "nothing listens there", 1.0, NOON + timedelta(minutes=9, seconds=second)
            )
        for minute, step in enumerate(("build_report", "send", "build_report"), 20):
            tx.events.add(STUDY, "1.2.9.8", step, "as before", 1.0, NOON + timedelta(minutes=minute))
    text = console.client("viewer").get(ADDRESS).text
    assert text.count("nothing listens there") == 1 and "9 times" in text
    assert text.count("as before") == 3
