"""Coming in and going out: passwords, links that work once, sessions that end, and how often one may try."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from scp_node.ledger import Ledger
from scp_node.ledger import account_tables as t
from scp_node.ledger.records import now_utc
from scp_node.operations import passwords
from scp_node.operations.accounts import add_user, disable_user, issue_token, make_link, make_set_up_link, set_role
from scp_node.operations.acts import LogRecorder, Operator
from scp_node.operations.passwords import hashed
from scp_node.web.access.cookies import HOST_NAME, NAME
from scp_node.web.throttle import FREE_OF_ACCOUNT
from tests.support.web.visitors import ServedConsole, served_console

PASSWORD, OTHER = "correct horse battery", "another long sentence"
ROOT = Operator("root", LogRecorder())


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same kind of hash, made in a millisecond."""
    quick = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "HASHER", quick)
    passwords._nobodys.cache_clear()


@pytest.fixture
def anna(ledger: Ledger) -> str:
    """An operator with a password."""
    add_user(ledger, "anna", "operator", ROOT)
    with ledger.transaction() as tx:
        tx.accounts.set_password("anna", hashed(PASSWORD))
    return "anna"


def told(ledger: Ledger) -> list[tuple[str, str, str]]:
    with ledger.reading() as tx:
        return [(row.who, row.act, row.outcome) for row in tx.audit.before(None, 50)][::-1]


def test_the_right_password_opens_a_session_and_signing_out_ends_it(console: ServedConsole, anna: str) -> None:
    client = console.client()
    answer = client.post("/sign-in", data={"name": " Anna ", "password": PASSWORD, "back": "/about"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/about")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "path=/" in cookie and "secure" not in cookie
    page = client.get("/about")
    assert page.status_code == 200 and "no-store" in page.headers["cache-control"]
    word = page.text.split('name="csrf_token" value="')[1].split('"')[0]
    stolen = client.cookies[NAME]
    assert client.post("/sign-out", data={"csrf_token": word}).headers["location"] == "/sign-in"
    assert NAME not in client.cookies
    client.cookies.set(NAME, stolen)
    assert client.get("/about").status_code == 303, "the cookie of a session that ended is worth nothing"
    assert told(console.context.ledger) == [("anna", "sign-in", "done"), ("anna", "sign-out", "done")]


def test_wrong_unknown_and_disabled_are_one_answer(console: ServedConsole, ledger: Ledger, anna: str) -> None:
    add_user(ledger, "bert", "admin", ROOT)
    add_user(ledger, "cora", "admin", ROOT)
    with ledger.transaction() as tx:
        tx.accounts.set_password("cora", hashed(PASSWORD))
    disable_user(ledger, "cora", ROOT)
    tries = [("anna", "x"), ("nobody", PASSWORD), ("bert", ""), ("cora", PASSWORD), ("' OR 1=1 --", PASSWORD)]
    pages = set()
    for name, password in tries:
        answer = console.client().post("/sign-in", data={"name": name, "password": password})
        assert answer.status_code == 403 and "set-cookie" not in answer.headers
        pages.add(answer.text.replace(name, "").replace("&#39; OR 1=1 --", ""))
    assert len(pages) == 1
    assert [who for who, _, outcome in told(ledger) if outcome == "refused"] == ["anna", "", "bert", "cora", ""]


def test_a_session_is_new_after_each_sign_in_and_the_one_before_ends(console: ServedConsole, anna: str) -> None:
    client = console.client()
    client.post("/sign-in", data={"name": "anna", "password": PASSWORD})
    first = client.cookies[NAME]
    word = client.get("/about").text.split('name="csrf_token" value="')[1].split('"')[0]
    client.post("/sign-in", data={"name": "anna", "password": PASSWORD, "csrf_token": word})
    assert client.cookies[NAME] != first
    assert client.get("/about").status_code == 200
    other = console.client()
    other.cookies.set(NAME, first)
    assert other.get("/about").status_code == 303


@pytest.mark.parametrize(
    ("column", "age"),
    [(t.session.c.seen_at, -timedelta(seconds=3601)), (t.session.c.expires_at, -timedelta(seconds=1))],
    ids=["idle", "too old"],
)
def test_a_session_ends_by_itself(
    console: ServedConsole, ledger: Ledger, column: sa.Column[object], age: timedelta
) -> None:
    client = console.client("viewer")
    assert client.get("/about").status_code == 200
    with ledger.transaction() as tx:
        tx.connection.execute(sa.update(t.session).values({column: now_utc() + age}))
    assert client.get("/about").status_code == 303


def test_what_a_page_asks_by_itself_does_not_keep_a_session_open(console: ServedConsole, ledger: Ledger) -> None:
    client = console.client("viewer")
    before = now_utc() - timedelta(seconds=600)

    def seen() -> timedelta:
        with ledger.transaction() as tx:
            at: datetime = tx.connection.execute(sa.select(t.session.c.seen_at)).scalar_one()
        return now_utc() - at

    with ledger.transaction() as tx:
        tx.connection.execute(sa.update(t.session).values(seen_at=before))
    client.get("/about", headers={"accept": "text/event-stream"})
    assert seen() > timedelta(seconds=500)
    client.get("/about")
    assert seen() < timedelta(seconds=100)


def test_a_role_that_is_changed_and_a_user_who_is_disabled_count_at_once(
    console: ServedConsole, ledger: Ledger
) -> None:
    client = console.client("admin")
    set_role(ledger, "ada", "viewer", ROOT)
    assert client.get("/audit").status_code == 403
    disable_user(ledger, "ada", ROOT)
    assert client.get("/about").status_code == 303


def test_the_set_up_link_makes_one_administrator_once(console: ServedConsole, ledger: Ledger) -> None:
    old = make_set_up_link(ledger)
    link = make_set_up_link(ledger)
    assert old is not None and link is not None
    client, good = console.client(), {"name": "Root", "password": PASSWORD, "again": PASSWORD}
    assert client.get(f"/set-up/{old.secret}").status_code == 404, "another start made another link"
    assert client.get(f"/password/{link.secret}").status_code == 404
    assert client.get(f"/set-up/{link.secret}").status_code == 200
    for wrong in ({"password": "short", "again": "short"}, {"again": OTHER}, {"name": "a b"}, {"name": "x" * 65}):
        assert client.post(f"/set-up/{link.secret}", data={**good, **wrong}).status_code == 422
    same = {"name": "averylongname", "password": "AveryLongName", "again": "AveryLongName"}
    assert client.post(f"/set-up/{link.secret}", data=same).status_code == 422
    assert client.post(f"/set-up/{link.secret}", data=good).status_code == 303
    assert client.get("/about").status_code == 200
    assert console.client().get(f"/set-up/{link.secret}").status_code == 404
    assert console.client().post(f"/set-up/{link.secret}", data=good | {"name": "eve"}).status_code == 404
    assert make_set_up_link(ledger) is None
    with ledger.reading() as tx:
        assert [(one.name, one.role) for one in tx.accounts.all()] == [("root", "admin")]
        kept = tx.connection.execute(sa.select(t.user.c.password_hash)).scalar_one()
        assert kept.startswith("$argon2id$")
        digests = tx.connection.execute(sa.select(t.link.c.digest)).scalars().all()
        assert link.secret not in digests


def test_a_link_is_no_use_when_it_is_old(console: ServedConsole, ledger: Ledger) -> None:
    link = make_set_up_link(ledger)
    assert link is not None
    with ledger.transaction() as tx:
        tx.connection.execute(sa.update(t.link).values(expires_at=now_utc()))
    assert console.client().get(f"/set-up/{link.secret}").status_code == 404


def test_a_password_chosen_by_a_link_ends_all_sessions_of_the_user(console: ServedConsole, ledger: Ledger) -> None:
    client = console.client("viewer")
    link = make_link(ledger, "vera", ROOT)
    other = console.client()
    assert "vera" in other.get(f"/password/{link.secret}").text
    data = {"password": PASSWORD, "again": PASSWORD}
    assert other.post(f"/password/{link.secret}", data=data).status_code == 303
    assert other.get("/about").status_code == 200
    assert client.get("/about").status_code == 303
    assert other.get(f"/password/{link.secret}").status_code == 404
    assert console.client().post("/sign-in", data={"name": "vera", "password": PASSWORD}).status_code == 303


def test_after_some_wrong_passwords_one_has_to_wait_with_the_right_one_too(
    console: ServedConsole, ledger: Ledger, anna: str
) -> None:
    client = console.client()
    for name in ("anna", "nobody"):
        for _ in range(FREE_OF_ACCOUNT):
            assert client.post("/sign-in", data={"name": name, "password": "x"}).status_code == 403
        locked = client.post("/sign-in", data={"name": name, "password": PASSWORD})
        assert locked.status_code == 429 and 10 < int(locked.headers["retry-after"]) <= 15
    assert sum(outcome == "refused" for _, _, outcome in told(ledger)) == 2 * FREE_OF_ACCOUNT


def test_a_hash_of_older_parameters_is_made_anew_at_the_next_sign_in(
    console: ServedConsole, ledger: Ledger, anna: str
) -> None:
    old = PasswordHasher(time_cost=2, memory_cost=32, parallelism=1).hash(PASSWORD)
    with ledger.transaction() as tx:
        tx.accounts.set_password("anna", old)
    assert console.client().post("/sign-in", data={"name": "anna", "password": PASSWORD}).status_code == 303
    with ledger.reading() as tx:
        user = tx.accounts.get("anna")
    assert user is not None and user.password_hash not in (None, old)
    assert console.client().post("/sign-in", data={"name": "anna", "password": PASSWORD}).status_code == 303


def test_who_comes_while_many_sign_in_is_asked_to_try_again(
    console: ServedConsole, anna: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_asked", threading.Semaphore(0))
    answer = console.client().post("/sign-in", data={"name": "anna", "password": PASSWORD})
    assert answer.status_code == 503 and answer.headers["retry-after"] == "5"


def test_nobody_is_led_elsewhere_after_the_sign_in(console: ServedConsole, anna: str) -> None:
    for back in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"):
        data = {"name": "anna", "password": PASSWORD, "back": back}
        assert console.client().post("/sign-in", data=data).headers["location"] == "/"


def test_behind_a_proxy_that_speaks_tls_the_cookie_is_for_https_alone(
    tmp_path: Path, ledger: Ledger, anna: str
) -> None:
    form = {"name": "anna", "password": PASSWORD}
    said = {"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.7"}
    with served_console(tmp_path, ledger, proxy=["127.0.0.1"]) as console:
        client = console.client(headers=said)
        cookie = client.post("/sign-in", data=form).headers["set-cookie"]
        assert cookie.startswith(f"{HOST_NAME}=") and "Secure" in cookie and "Path=/" in cookie
    with ledger.reading() as tx:
        assert tx.audit.before(None, 1)[0].detail == "from 203.0.113.7"
    with served_console(tmp_path, ledger) as console:
        cookie = console.client(headers=said).post("/sign-in", data=form).headers["set-cookie"]
        assert cookie.startswith(f"{NAME}=") and "Secure" not in cookie, "nobody else is believed"
    with ledger.reading() as tx:
        assert tx.audit.before(None, 1)[0].detail == "from 127.0.0.1"


def test_another_password_ends_tokens_and_links_too(console: ServedConsole, anna: str, ledger: Ledger) -> None:
    client, program = console.client(), console.client()
    client.post("/sign-in", data={"name": anna, "password": PASSWORD})
    program.headers["Authorization"] = f"Bearer {issue_token(ledger, anna, 'x', ['read'], 1, ROOT).secret}"
    link = make_link(ledger, anna, ROOT).secret
    word = client.get("/account").text.split('name="csrf_token" value="')[1].split('"')[0]
    form = {"csrf_token": word, "old": PASSWORD, "password": OTHER, "again": OTHER}
    assert client.post("/account/password", data=form).status_code == 303
    assert program.get("/about").status_code == 303
    assert console.client().get(f"/password/{link}").status_code == 404


def test_a_try_that_nobody_has_looked_at_does_not_count(
    console: ServedConsole, anna: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(passwords, "_asked", threading.Semaphore(0))
        for _ in range(2 * FREE_OF_ACCOUNT):
            assert console.client().post("/sign-in", data={"name": anna, "password": "x"}).status_code == 503
    assert console.client().post("/sign-in", data={"name": anna, "password": PASSWORD}).status_code == 303
