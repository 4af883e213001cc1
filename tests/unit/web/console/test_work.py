"""Work over HTTP: causes and jobs are shown as text, acts need an operator, and what cannot be done is said."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from scp_node.ledger import Ledger
from scp_node.ledger import tables as t
from scp_node.queries.job_advice import advice
from scp_node.queries.jobs import JobFilter, dead_causes, job_ids
from tests.support.ledger.done_studies import MadeJob, add_job
from tests.support.ledger.ledgers import received
from tests.unit.web.console.conftest import Visitor

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MARKUP = "<script>alert(1)</script>"
RIGHT_TO_LEFT, LONG = "\u202eأحمد", "N" * 200


@pytest.fixture(autouse=True)
def jobs(ledger: Ledger) -> None:
    """Sixty waiting study jobs and four dead ones, for two reasons."""
    with ledger.transaction() as tx:
        tx.instances.add(received())
        for number in range(60):
            add_job(tx, f"study:{number:02}", MadeJob(NOW + timedelta(minutes=number), "study", "waiting"), "1.2.3.1")
        errors = [f"{MARKUP} {RIGHT_TO_LEFT} {LONG}"] * 3 + ["model-missing: no package tiny"]
        for number, error in enumerate(errors):
            add_job(tx, f"study:dead:{number}", MadeJob(NOW, "study", "dead"), "1.2.3.1")
            mine = t.job.c.job_id == f"study:dead:{number}"
            tx.connection.execute(sa.update(t.job).where(mine).values(error=error))


def states(ledger: Ledger) -> dict[str, str]:
    with ledger.reading() as tx:
        return {row.job_id: row.state for row in tx.connection.execute(sa.select(t.job)) if "dead" in row.job_id}


def test_causes_stand_with_their_number_and_what_to_do_and_are_text(as_role: Visitor) -> None:
    page = as_role("operator").get("/jobs").text
    assert MARKUP not in page and "&lt;script&gt;alert(1)" in page
    assert f"<bdi>&lt;script&gt;alert(1)&lt;/script&gt; {RIGHT_TO_LEFT} {LONG}</bdi>" in page
    assert "Put the model package in place" in page
    assert "Try 3 jobs again now" in page


def test_jobs_are_paged_by_key_and_filtered_by_the_address(as_role: Visitor) -> None:
    client = as_role()
    first = client.get("/jobs?state=waiting&kind=study")
    assert "study:49" in first.text and "study:50" not in first.text
    found = re.search(r'href="(/jobs\?[^"]*after=[^"]*)"', first.text)
    assert found is not None
    second = client.get(found[1].replace("&amp;", "&").split("#")[0])
    assert "study:50" in second.text and "study:49" not in second.text and 'rel="next"' not in second.text
    assert "study:00" not in client.get("/jobs?state=dead").text
    assert client.get("/jobs?state=nonsense&after=nowhere").status_code == 200


def test_a_viewer_sees_work_and_may_not_act(as_role: Visitor, ledger: Ledger) -> None:
    viewer, before = as_role("viewer"), states(ledger)
    assert "Retry" not in viewer.get("/jobs").text
    assert "Retry" not in viewer.get("/jobs/study:dead:3").text
    for path, form in (
        ("/jobs/retry", {"job_id": "study:dead:3"}),
        ("/jobs/cancel", {"job_id": "study:01"}),
        ("/jobs/retry-cause", {"cause": "0" * 16}),
        ("/remote-aes/archive/echo", {}),
    ):
        assert viewer.post(path, data=form).status_code == 403
    assert states(ledger) == before


def test_all_jobs_of_one_cause_are_tried_again_and_no_other(
    as_role: Visitor, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    with ledger.reading() as tx:
        cause = dead_causes(tx, 10)[0]
        assert job_ids(tx, cause.filter(), 10) == ("study:dead:0", "study:dead:1", "study:dead:2")
    answer = as_role("operator").post("/jobs/retry-cause", data={"cause": cause.ident})
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs?retried=3&left=0")
    assert states(ledger) == dict.fromkeys(("study:dead:0", "study:dead:1", "study:dead:2"), "waiting") | {
        "study:dead:3": "dead"
    }
    again = as_role("operator").post("/jobs/retry-cause", data={"cause": cause.ident})
    assert again.status_code == 409 and "no longer" not in again.text


def test_a_cause_of_which_nothing_is_tried_again_says_so(
    as_role: Visitor, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ledger.reading() as tx:
        cause = dead_causes(tx, 10)[0]
    monkeypatch.setattr("scp_node.web.console.work.job_ids", lambda *_: ("study:00000",))
    answer = as_role("operator").post("/jobs/retry-cause", data={"cause": cause.ident})
    assert answer.status_code == 409 and "No job could be tried again" in answer.text


def test_one_job_is_retried_or_taken_out_and_says_so(as_role: Visitor, ledger: Ledger) -> None:
    client = as_role("operator")
    answer = client.post("/jobs/retry", data={"job_id": "study:dead:3"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs/study:dead:3")
    assert states(ledger)["study:dead:3"] == "waiting"
    assert client.post("/jobs/cancel", data={"job_id": "study:dead:3"}).status_code == 303
    assert states(ledger)["study:dead:3"] == "dead"
    assert client.post("/jobs/cancel", data={"job_id": "study:dead:3"}).status_code == 409
    assert client.post("/jobs/retry", data={"job_id": "none"}).status_code == 409


def test_the_page_of_a_job_tells_its_story(as_role: Visitor, ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.events.add("1.2.3.1", "1.2.3.1", "report", f"dead: {MARKUP}", 1500.0)
    page = as_role().get("/jobs/study:dead:0").text
    assert "1.5 s" in page and "dead: &lt;script&gt;" in page and 'href="/studies/1.2.3.1"' in page
    assert as_role().get("/jobs/none").status_code == 404
    assert as_role().get("/jobs/a/b").status_code == 404


def test_work_looks_again_by_itself_and_tells_when_a_job_was_given_up(as_role: Visitor, ledger: Ledger) -> None:
    given_up = NOW + timedelta(days=1)
    with ledger.transaction() as tx:
        tx.connection.execute(sa.update(t.job).where(t.job.c.job_id == "study:dead:3").values(changed_at=given_up))
    page = as_role("operator").get("/jobs?state=dead&kind=study").text
    assert 'hx-get="/jobs?state=dead&amp;kind=study"' in page and 'hx-trigger="every 3s"' in page
    for part in ("queues", "dead", "listed"):
        assert f'id="{part}"' in page, "what is taken anew"
    shown = f'given up <time datetime="{given_up.astimezone().isoformat(timespec="seconds")}"'
    assert shown in page and shown.replace("given up ", "<dd>") in as_role().get("/jobs/study:dead:3").text
    assert 'hx-trigger="every' not in as_role().get("/jobs/study:dead:3").text, "nothing changes any more by itself"
    assert 'hx-trigger="every 3s"' in as_role().get("/jobs/study:01").text


def test_one_job_is_not_told_as_many(as_role: Visitor) -> None:
    client = as_role("operator")
    assert "1 job is tried again now. 1 more was given up" in client.get("/jobs?retried=1&left=1").text
    assert "2 jobs are tried again now." in client.get("/jobs?retried=2").text
    assert "Try the job again now that was given up" in client.get("/jobs").text


def test_work_is_read_in_three_languages(as_role: Visitor) -> None:
    assert "Warteschlangen" in as_role(language="de").get("/jobs").text
    assert "キュー" in as_role(language="ja").get("/jobs").text


def test_there_is_advice_for_every_kind_and_any_words() -> None:
    for kind in ("image", "study", "delivery", "commitment", "shadow"):
        assert advice(kind, "no words that anybody knows")
    assert "C-ECHO" in advice(
        "delivery", "archive (A at h:1): nothing listens on that port; is it running, are host and port right?"
    )
    assert JobFilter(("dead",), queue="deliver-pacs").selection().queues == ["deliver-pacs"]
