"""What people do with their own account, and what administrators see of all that was done."""

from __future__ import annotations

import re

import pytest
from argon2 import PasswordHasher

from scp_node.ledger import Ledger
from scp_node.operations import passwords
from scp_node.operations.acts import Act
from scp_node.operations.audit import LedgerRecorder
from scp_node.operations.passwords import hashed
from scp_node.queries import audit as queries
from scp_node.web.access.viewing import note_viewed
from scp_node.web.access.visitor import Visitor
from scp_node.web.recent_views import AGAIN_AFTER_S, RecentViews
from tests.support.web.visitors import ServedConsole

PASSWORD, OTHER = "correct horse battery", "another long sentence"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    passwords._nobodys.cache_clear()


def test_whoever_changes_the_password_stays_and_is_signed_out_elsewhere(console: ServedConsole, ledger: Ledger) -> None:
    one, other = console.client("viewer"), console.client("viewer")
    assert 'name="old"' not in one.get("/account").text, "there is no password yet, its link is with an administrator"
    with ledger.transaction() as tx:
        tx.accounts.set_password("vera", hashed(PASSWORD))
    assert 'name="old"' in one.get("/account").text
    wrong = {"old": "x", "password": OTHER, "again": OTHER}
    assert one.post("/account/password", data=wrong).status_code == 403
    for form in ({"password": "short", "again": "short"}, {"password": OTHER}, {"password": "vera" * 600}):
        assert one.post("/account/password", data={"old": PASSWORD, **form}).status_code == 422
    assert other.get("/about").status_code == 200
    assert one.post("/account/password", data={**wrong, "old": PASSWORD}).status_code == 303
    assert one.get("/about").status_code == 200 and other.get("/about").status_code == 303
    assert console.client().post("/sign-in", data={"name": "vera", "password": OTHER}).status_code == 303


def test_the_present_password_cannot_be_guessed_here_either(console: ServedConsole, ledger: Ledger) -> None:
    client = console.client("viewer")
    with ledger.transaction() as tx:
        tx.accounts.set_password("vera", hashed(PASSWORD))
    form = {"old": "x", "password": OTHER, "again": OTHER}
    assert [client.post("/account/password", data=form).status_code for _ in range(6)] == [403] * 5 + [429]


def test_a_token_is_shown_once_allows_what_was_chosen_and_can_be_revoked(console: ServedConsole) -> None:
    client = console.client("admin")
    made = client.post("/account/tokens", data={"name": "report", "scope": ["predict"], "days": "7"})
    (secret,) = re.findall(r"hilum_[\w-]{43}", made.text)
    program = console.client(headers={"authorization": f"Bearer {secret}"})
    assert program.get("/about").status_code == 403, "to read was not chosen"
    for wrong in ({"name": "x"}, {"scope": ["read"]}, {"name": "x", "scope": ["read"], "days": "9999"}):
        assert client.post("/account/tokens", data=wrong).status_code == 422
    page = client.get("/account").text
    assert secret not in page
    (revoke,) = re.findall(r"/account/tokens/[\w-]+/revoke", page)
    other = console.client("viewer")
    assert other.post(revoke).status_code == 303
    assert "report" in client.get("/account").text, "it is not the token of whoever has asked"
    assert client.post(revoke).status_code == 303
    assert program.get("/about").status_code == 303
    assert program.get("/account").status_code == 303


@pytest.mark.parametrize(
    ("role", "scopes", "asked", "allowed"),
    [
        ("viewer", None, ("viewer", "GET", "/x"), True),
        ("viewer", None, ("operator", "POST", "/x"), False),
        ("admin", ("read",), ("viewer", "GET", "/x"), True),
        ("admin", ("read",), ("admin", "GET", "/x"), False),
        ("admin", ("read",), ("operator", "POST", "/x"), False),
        ("admin", ("operate",), ("operator", "POST", "/x"), True),
        ("admin", ("operate",), ("viewer", "GET", "/x"), False),
        ("viewer", ("operate",), ("operator", "POST", "/x"), False),
        ("viewer", ("predict",), ("viewer", "POST", "/api/predict"), True),
        ("viewer", ("read", "operate"), ("viewer", "POST", "/api/predict"), False),
        ("viewer", ("predict",), ("viewer", "GET", "/x"), False),
        ("viewer", ("predict",), ("viewer", "POST", "/api/v1/predict"), True),
        ("viewer", ("predict",), ("viewer", "POST", "/try"), True),
        ("admin", ("operate",), ("viewer", "POST", "/api/v1/predict"), False),
        ("admin", ("operate",), ("viewer", "POST", "/studies/search"), False),
    ],
)
def test_a_token_allows_a_part_of_what_its_user_may(role, scopes, asked, allowed) -> None:  # type: ignore[no-untyped-def]
    assert Visitor("ada", role, scopes=scopes).may_ask(*asked) is allowed


def test_viewing_a_study_is_entered_once_in_ten_minutes(console: ServedConsole, ledger: Ledger) -> None:
    vera, otto = Visitor("vera", "viewer"), Visitor("otto", "operator")
    for visitor, study in ((vera, "1.2.3"), (vera, "1.2.3"), (otto, "1.2.3"), (vera, "1.2.4")):
        note_viewed(console.context, visitor, study)
    with ledger.reading() as tx:
        rows = tx.audit.before(None, 10)[::-1]
    assert [(row.who, row.act, row.object_id) for row in rows] == [
        ("vera", "view-study", "1.2.3"),
        ("otto", "view-study", "1.2.3"),
        ("vera", "view-study", "1.2.4"),
    ]


def test_a_view_that_could_not_be_entered_is_told_the_next_time(console: ServedConsole, ledger: Ledger) -> None:
    vera = Visitor("vera", "viewer")
    for name in (("hilum_audit", "hilum_gone"), ("hilum_gone", "hilum_audit")):
        with ledger.transaction() as tx:
            tx.connection.exec_driver_sql("ALTER TABLE {} RENAME TO {}".format(*name))
        note_viewed(console.context, vera, "1.2.3")
    with ledger.reading() as tx:
        assert [row.act for row in tx.audit.before(None, 10)] == ["view-study"]


def test_a_search_for_a_patient_is_entered_without_the_patient(console: ServedConsole, ledger: Ledger) -> None:
    answer = console.client("viewer").post("/studies/search", data={"patient_id": "QZ77", "patient_name": "X\0Y"})
    assert answer.status_code == 200
    with ledger.reading() as tx:
        (row,) = tx.audit.before(None, 10)
    assert (row.who, row.act) == ("vera", "search-patient") and "QZ77" not in str(row)


def test_a_view_is_new_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    views = RecentViews(lambda: now)
    assert [views.is_new("vera", "1"), views.is_new("vera", "1")] == [True, False]
    now = AGAIN_AFTER_S
    assert views.is_new("vera", "1")


def test_administrators_see_what_was_done_page_by_page(
    console: ServedConsole, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "ROWS", 3)
    recorder = LedgerRecorder(ledger)
    for number in range(4):
        recorder.record(Act("retry-job", "job", f"delivery:{number}", "otto", "done", "<b>x</b>"))
        recorder.record(Act("sign-in", "account", "ada", "ada", "refused"))
    client = console.client("admin")
    page = client.get("/audit?who=Otto").text
    assert re.findall(r"delivery:\d", page) == ["delivery:3", "delivery:2", "delivery:1"]
    assert "&lt;b&gt;x" in page and "<b>x" not in page
    (older,) = re.findall(r'href="(/audit\?[^"]+)"', page)
    assert re.findall(r"delivery:\d", client.get(older.replace("&amp;", "&")).text) == ["delivery:0"]
    assert "delivery" not in client.get("/audit?act=sign-in").text
    assert console.client("operator").get("/audit").status_code == 403
    for wrong in ("before=0", f"before={2**63}", "who=" + "x" * 101):
        assert client.get(f"/audit?{wrong}").status_code == 422


def test_an_act_is_in_the_log_where_the_ledger_cannot_be_written(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    with ledger.transaction() as tx:
        tx.connection.exec_driver_sql("ALTER TABLE hilum_audit RENAME TO hilum_gone")
    caplog.set_level("INFO")
    LedgerRecorder(ledger).record(Act("retry-job", "job", "delivery:1", "otto", "done"))
    ours = [record for record in caplog.records if record.name.startswith("scp_node.")]
    assert [record.message for record in ours] == ["operator acted", "audit event not entered"]
