"""The lists of the API: filtered, in pages, with problems that have a code, and without patients."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from scp_node.ledger import Ledger
from scp_node.ledger.account_records import Role
from scp_node.ledger.callers import CallerRecord, Tally
from scp_node.ledger.database import open_database
from scp_node.settings.places import default_url
from scp_node.web.api.routes import description
from tests.support.web.clients import asked_node
from tests.unit.queries.cases import fill


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Ledger]:
    fill(tmp_path)
    engine = open_database(default_url(tmp_path))
    yield Ledger(engine)
    engine.dispose()


@pytest.fixture
def client(tmp_path: Path, filled: Ledger) -> Iterator[httpx.Client]:
    with asked_node(tmp_path, filled) as node:
        yield node.client


def pages(client: httpx.Client, url: str) -> list[list[dict[str, Any]]]:
    """All pages, from `url` on."""
    found, following = [], url
    while following:
        answer = client.get(following)
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["items"])
        following = answer.json()["next"]
    return found


def test_studies_come_newest_first_in_pages_that_neither_repeat_nor_leave_out(client: httpx.Client) -> None:
    (all_of_them,) = pages(client, "/api/studies")
    assert [one["study_instance_uid"] for one in all_of_them] == ["1.2.3.3", "1.2.3.2", "1.2.3.1"]
    assert pages(client, "/api/v1/studies?limit=1") == [[one] for one in all_of_them]
    assert pages(client, "/api/studies?limit=2") == [all_of_them[:2], all_of_them[2:]]


@pytest.mark.parametrize(
    ("query", "studies"),
    [
        ("state=quarantined", ["1.2.3.2"]),
        ("source=ward", ["1.2.3.3"]),
        ("decline_code=not-frontal", ["1.2.3.1"]),
        ("declined=true", ["1.2.3.2", "1.2.3.1"]),
        ("finding=bright", ["1.2.3.1"]),
        ("positive=true", ["1.2.3.1"]),
        ("dead=true", ["1.2.3.1"]),
        ("from=2026-03-01T12:30:00Z", ["1.2.3.3", "1.2.3.2"]),
        ("before=2026-03-01T12:30:00%2B00:00", ["1.2.3.1"]),
        ("accession_number=nobody", []),
    ],
)
def test_studies_can_be_filtered(client: httpx.Client, query: str, studies: list[str]) -> None:
    (found,) = pages(client, f"/api/studies?{query}")
    assert [one["study_instance_uid"] for one in found] == studies


def test_the_next_page_keeps_the_filter(client: httpx.Client) -> None:
    found = pages(client, "/api/studies?declined=true&limit=1")
    assert [one["study_instance_uid"] for page in found for one in page] == ["1.2.3.2", "1.2.3.1"]


def test_one_study_tells_its_story(client: httpx.Client, filled: Ledger) -> None:
    story = client.get("/api/studies/1.2.3.1").json()
    with filled.reading() as tx:
        assert [(row.act, row.object_id) for row in tx.audit.before(None, 1)] == [("view-study", "1.2.3.1")]
    assert [one["state"] for one in story["images"]] == ["reported", "declined"]
    assert story["images"][0]["findings"][0] == {
        "name": "bright",
        "probability": 0.9,
        "threshold": 0.5,
        "positive": True,
        "place": "right lung, lower zone",
    }
    assert {one["kind"] for one in story["reports"][0]["results"]} == {"sr", "heatmap"}


def test_jobs_that_are_not_done_come_in_pages(client: httpx.Client) -> None:
    (all_of_them,) = pages(client, "/api/jobs")
    assert [one["state"] for one in all_of_them] == ["waiting", "dead", "queued"]
    assert pages(client, "/api/jobs?limit=1") == [[one] for one in all_of_them]
    (dead,) = pages(client, "/api/jobs?state=dead&destination=viewer")
    assert (dead[0]["job_id"], dead[0]["destination"]) == ("delivery:3", "viewer")
    keys = {"job_id", "kind", "state", "attempts", "due_at", "error", "study_instance_uid"}
    assert keys <= dead[0].keys()


def test_deliveries_come_newest_first_in_pages(client: httpx.Client) -> None:
    (all_of_them,) = pages(client, "/api/deliveries")
    assert [one["state"] for one in all_of_them] == ["dead", "queued", "committed"]
    assert pages(client, "/api/deliveries?limit=1") == [[one] for one in all_of_them]
    assert pages(client, "/api/deliveries?state=dead&destination=viewer") == [all_of_them[:1]]


def test_remote_aes_are_those_of_the_configuration(client: httpx.Client, filled: Ledger) -> None:
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    came = CallerRecord("MODALITY", "HILUM", "10.0.0.1", at, at, 2, stored=3, refused=1, last_stored_at=at)
    later, turned_away = at + timedelta(hours=1), {"no": Tally(4, at)}
    with filled.transaction() as tx:
        tx.callers.add([came, CallerRecord("MODALITY", "OTHER", "10.0.0.1", at, later, rejections=turned_away)])
    (found,) = [client.get("/api/remote-aes").json()["items"]]
    assert [(one["name"], one["may_send"], one["receives"]) for one in found] == [
        ("archive", False, True),
        ("modality", True, False),
    ]
    archive, modality = (list(one.values())[6:] for one in found)
    assert archive == [None, None, 0, 0, 0, "quiet", None, ""]
    assert modality == ["2026-03-01T13:00:00Z", "2026-03-01T12:00:00Z", 3, 1, 4, "quiet", None, ""]


def test_a_remote_ae_that_could_not_be_reached_fails_in_the_list_too(client: httpx.Client, filled: Ledger) -> None:
    with filled.transaction() as tx:
        tx.unreached.enter("archive", "nothing listens on that port")
    archive = client.get("/api/remote-aes").json()["items"][0]
    assert (archive["state"], archive["failure"]) == ("fails", "nothing listens on that port")
    assert archive["failed_at"]


def test_models_are_listed_with_those_that_could_be_installed(client: httpx.Client) -> None:
    models = client.get("/api/models").json()["items"]
    assert [one["label"] for one in models if one["is_default"]] == ["pneumonia@2.0.0"]
    assert models[0]["findings"][0]["meaning"] == "Pneumonia"
    tuberculosis = next(one for one in models if one["name"] == "trio-tuberculosis")
    assert tuberculosis["label"] == ""
    assert "montgomery" in tuberculosis["missing"]
    assert tuberculosis["command"].startswith("python -m training train config/training/seed-trio-tuberculosis.yaml")


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("viewer", 403), ("operator", 200), ("admin", 200)])
def test_an_operator_may_retry_a_job(tmp_path: Path, filled: Ledger, role: Role | None, status: int) -> None:
    with asked_node(tmp_path, filled, role) as node:
        answer = node.client.post("/api/jobs/delivery:3/retry")
    assert answer.status_code == status
    with filled.reading() as tx:
        job = tx.jobs.get("delivery:3")
    assert job is not None and job.state == ("waiting" if status == 200 else "dead")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/studies/1.2.3.99", 404, "nothing-found"),
        ("GET", "/api/studies/abc", 422, "invalid-request"),
        ("GET", "/api/studies?limit=0", 422, "invalid-request"),
        ("GET", "/api/studies?limit=201", 422, "invalid-request"),
        ("GET", "/api/studies?from=yesterday", 422, "invalid-request"),
        ("GET", "/api/studies?from=2026-01-01T00:00:00", 422, "invalid-request"),
        ("GET", "/api/studies?source=%00", 422, "invalid-request"),
        ("GET", "/api/studies?after=xx", 422, "invalid-cursor"),
        ("GET", "/api/studies?after=WyJhIiwiYiJd", 422, "invalid-cursor"),
        ("GET", "/api/jobs?state=done", 422, "invalid-request"),
        ("GET", "/api/deliveries?after=W10", 422, "invalid-cursor"),
        ("POST", "/api/jobs/nobody/retry", 404, "nothing-found"),
        ("POST", "/api/jobs/delivery:1/retry", 409, "usage"),
        ("GET", "/api/nothing", 404, "nothing-found"),
        ("DELETE", "/api/jobs", 405, "method-not-allowed"),
    ],
)
def test_what_cannot_be_done_is_a_problem_with_a_code(
    tmp_path: Path, filled: Ledger, method: str, path: str, status: int, code: str
) -> None:
    with asked_node(tmp_path, filled, "operator") as node:
        answer = node.client.request(method, path)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["status"], answer.json()["code"]) == (status, status, code)


def test_every_route_is_described_with_examples_that_fit(client: httpx.Client) -> None:
    assert client.get("/api/openapi.json").json() == json.loads(json.dumps(description()))
    described = description()
    assert {server["url"] for server in described["servers"]} == {"/api", "/api/v1"}
    for path, methods in described["paths"].items():
        for operation in methods.values():
            answers = operation["responses"]
            content = answers["200"]["content"].get("application/json", {})
            is_shown_by_itself = path.startswith("/studies/{study_instance_uid}")  # a whole story, or a whole page
            assert "examples" in content or is_shown_by_itself
            assert set(answers) >= {"200", "401", "403"}
            assert all("application/problem+json" in answers[one]["content"] for one in answers if one != "200")


def test_the_page_of_the_api_names_every_route_and_asks_nobody_else(client: httpx.Client) -> None:
    text = client.get("/api/docs").text
    for path in description()["paths"]:
        assert f"/api/v1{path}" in text
    assert "//" not in text.replace("http://127.0.0.1:8043", "").replace("<!--", "")


@pytest.mark.parametrize("path", ["/api/docs", "/api/openapi.json", "/api/models", "/api/studies"])
def test_nobody_is_told_anything(tmp_path: Path, filled: Ledger, path: str) -> None:
    with asked_node(tmp_path, filled, None) as node:
        answer = node.client.get(path)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "1000-01-01T00:00:00Z"])
def test_a_moment_at_the_edge_of_the_calendar_is_refused(client: httpx.Client, moment: str) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps([moment, "1.2.3"]).encode()).decode().rstrip("=")
    for query in ({"from": moment}, {"before": moment}, {"after": cursor}):
        assert client.get("/api/studies", params=query).status_code == 422
    assert client.get("/api/jobs", params={"after": cursor}).status_code == 422
    assert client.get("/api/deliveries", params={"from": moment}).status_code == 422
