"""People sign in with the account of a provider, and nobody by what the provider has not said for them and for now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import OctKey, RSAKey
from pydantic import ValidationError

from scp_node.ledger import Ledger
from scp_node.ledger.account_records import UserRow
from scp_node.ledger.records import now_utc
from scp_node.operations.accounts import disable_user, issue_token
from scp_node.operations.acts import LogRecorder, Operator
from scp_node.settings import Oidc
from scp_node.web.access import provider as module
from scp_node.web.access.cookies import NAME
from scp_node.web.console import provider as page_module
from scp_node.web.throttle import FREE_OF_ACCOUNT, Throttle
from tests.support.peers.ports import free_port
from tests.support.web.identity_provider import CLIENT_ID, CLIENT_SECRET, IdentityProvider, identity_provider
from tests.support.web.visitors import ServedConsole, served_console


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[IdentityProvider]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(page_module, "_lines", Throttle())
    module._known.clear()
    with identity_provider(free_port()) as one:
        yield one


@pytest.fixture
def console(tmp_path: Path, ledger: Ledger, provider: IdentityProvider) -> Iterator[ServedConsole]:
    oidc = {"issuer": provider.issuer, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    roles = {"viewers": ["radiology"], "operators": ["technicians"], "admins": ["pacs-admins"]}
    with served_console(tmp_path, ledger, oidc={**oidc, **roles}) as one:
        yield one


def come_back(client: httpx.Client, back: str = "/about") -> httpx.Response:
    """As a browser goes: to the provider, and with its answer to the node."""
    sent = client.get("/sign-in/provider", params={"back": back})
    assert sent.status_code == 303, sent.text
    answer = httpx.get(sent.headers["location"], trust_env=False)
    return client.get(answer.headers["location"])


def test_whoever_the_provider_vouches_for_has_signed_in_with_the_role_of_the_claim(
    console: ServedConsole, provider: IdentityProvider, ledger: Ledger
) -> None:
    client = console.client()
    assert "Sign in at 127.0.0.1" in client.get("/sign-in").text
    answer = come_back(client)
    assert (answer.status_code, answer.headers["refresh"]) == (200, "0; url=/about")
    assert "samesite=strict" in answer.headers.get_list("set-cookie")[-1].lower()
    assert provider.problems == []
    assert client.get("/about").status_code == 200
    with ledger.reading() as tx:
        (anna,) = tx.accounts.all()
        assert (anna.name, anna.role, anna.password_hash) == ("anna", "viewer", None)
    provider.claims |= {"groups": ["radiology", "pacs-admins", "others"], "preferred_username": "anna.maria"}
    assert come_back(console.client()).status_code == 200
    with ledger.reading() as tx:
        (anna,) = tx.accounts.all()
        assert (anna.name, anna.role) == ("anna", "admin"), "the subject tells who it is, the claim what she may now"
    assert console.client().post("/sign-in", data={"name": "anna", "password": ""}).status_code == 403


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"aud": "another client"},
        {"aud": [CLIENT_ID, "another"], "azp": "another"},
        {"iss": "https://elsewhere.example"},
        {"exp": 1_700_000_000},
        {"exp": None},
        {"sub": None},
        {"sub": 5},
        {"aud": 5},
        {"exp": "soon"},
        {"at_hash": "of another token"},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_this_sign_in_opens_nothing(
    console: ServedConsole, provider: IdentityProvider, ledger: Ledger, claims: dict[str, Any]
) -> None:
    provider.claims |= claims
    client = console.client()
    assert come_back(client).status_code == 502
    assert NAME not in client.cookies
    with ledger.reading() as tx:
        assert tx.accounts.is_empty()


def test_a_token_that_the_provider_has_not_signed_opens_nothing(
    console: ServedConsole, provider: IdentityProvider
) -> None:
    published = provider.published
    provider.key = RSAKey.generate_key(2048, {"kid": "1"})
    assert come_back(console.client()).status_code == 502
    provider.key, provider.algorithm = OctKey.import_key(CLIENT_SECRET.ljust(32)), "HS256"
    assert come_back(console.client()).status_code == 502
    provider.key, provider.algorithm = published, "RS256"
    assert come_back(console.client()).status_code == 200


def test_an_answer_that_another_browser_has_asked_for_opens_nothing(console: ServedConsole) -> None:
    one, other = console.client(), console.client()
    answer = httpx.get(one.get("/sign-in/provider").headers["location"], trust_env=False)
    assert other.get(answer.headers["location"]).status_code == 502, "it has begun nothing"
    other.get("/sign-in/provider")
    assert other.get(answer.headers["location"]).status_code == 502, "it has begun something else"
    assert one.get(answer.headers["location"]).status_code == 200
    assert one.get(answer.headers["location"]).status_code == 502, "and that works once"
    for wrong in ("", "?code=x", "?state=x", "?error=access_denied&state=x"):
        assert one.get(f"/sign-in/provider/return{wrong}").status_code == 502


def test_who_has_no_role_is_disabled_or_has_the_name_of_another_stays_outside(
    console: ServedConsole, provider: IdentityProvider, ledger: Ledger
) -> None:
    for groups in ([], "nothing", None, [{"a": 1}], 5):
        provider.claims["groups"] = groups if groups != 5 else [5]
        assert come_back(console.client()).status_code == 403
    provider.claims["groups"] = "technicians"
    with ledger.transaction() as tx:
        tx.accounts.add(UserRow("anna", "admin", now_utc(), "a hash"))
    assert come_back(console.client()).status_code == 403, "a name proves nothing"
    for name in ("", "a b", "x" * 65):
        provider.claims["preferred_username"] = name
        assert come_back(console.client()).status_code == 403
    provider.claims["preferred_username"] = "berta"
    assert come_back(console.client()).status_code == 200
    disable_user(ledger, "berta", Operator("root", LogRecorder()))
    assert come_back(console.client()).status_code == 403


def test_a_provider_that_is_away_or_is_another_one_is_told_in_words(
    console: ServedConsole, provider: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.told = {"issuer": "https://elsewhere.example"}
    answer = console.client().get("/sign-in/provider")
    assert answer.status_code == 502 and "did not succeed" in answer.text
    for told in ({"token_endpoint": f"{provider.issuer}/nothing"}, {"jwks_uri": f"http://127.0.0.1:{free_port()}/"}):
        module._known.clear()
        provider.told = told
        assert come_back(console.client()).status_code == 502
    assert {one.message for one in caplog.records if one.levelname == "WARNING"} == {"sign-in with the provider failed"}


@pytest.mark.parametrize(
    "told",
    [
        {"token_endpoint": "https://127.0.0.1:1/"},
        {"token_endpoint": None},
        {"jwks_uri": 5},
        {"long": "x" * module.ANSWER_BYTES_MAX},
    ],
    ids=lambda told: next(iter(told)),
)
def test_metadata_that_are_none_are_refused(
    console: ServedConsole, provider: IdentityProvider, told: dict[str, Any]
) -> None:
    provider.told = told
    assert console.client().get("/sign-in/provider").status_code == 502


@pytest.mark.parametrize("answer", [[], None, 5, "x", {"keys": 5}], ids=str)
def test_an_answer_that_is_no_object_is_refused(
    console: ServedConsole, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    client = console.client()
    sent = client.get("/sign-in/provider")
    back = httpx.get(sent.headers["location"], trust_env=False).headers["location"]
    for method in ("metadata", "token"):
        with monkeypatch.context() as patched:
            patched.setattr(IdentityProvider, method, lambda *_: answer)
            module._known.clear()
            assert client.get(back).status_code == 502


def test_who_loses_the_role_at_the_provider_is_let_in_by_nothing_that_is_left(
    console: ServedConsole, provider: IdentityProvider, ledger: Ledger
) -> None:
    client, program = console.client(), console.client()
    assert come_back(client).status_code == 200
    token = issue_token(ledger, "anna", "x", ["read"], 1, Operator("root", LogRecorder()))
    program.headers["Authorization"] = f"Bearer {token.secret}"
    assert [one.get("/about").status_code for one in (client, program)] == [200, 200]
    provider.claims["groups"] = []
    assert come_back(console.client()).status_code == 403
    assert [one.get("/about").status_code for one in (client, program)] == [303, 303]
    with ledger.reading() as tx:
        assert [(row.who, row.outcome) for row in tx.audit.before(None, 1)] == [("anna", "refused")]


def test_what_anybody_says_in_the_place_of_return_fills_no_log(
    console: ServedConsole, caplog: pytest.LogCaptureFixture
) -> None:
    client = console.client()
    client.get("/sign-in/provider")
    for _ in range(20):
        client.get("/sign-in/provider/return?error=a+lie")
    said = [vars(one)["reason"] for one in caplog.records if one.message.startswith("sign-in with")]
    assert said == ["there is no code"] * FREE_OF_ACCOUNT


def test_the_way_back_may_hold_letters_of_every_language(console: ServedConsole) -> None:
    answer = come_back(console.client(), "/studies?finding=\u80ba;x")
    assert answer.headers["refresh"] == "0; url=/studies?finding=%E8%82%BA%3Bx"


def test_nobody_is_led_elsewhere_afterwards(console: ServedConsole) -> None:
    for back in ("https://evil.example", "//evil.example", "/\\evil.example"):
        assert come_back(console.client(), back).headers["refresh"] == "0; url=/"


def test_without_a_provider_there_is_no_way_to_one(tmp_path: Path, ledger: Ledger) -> None:
    with served_console(tmp_path, ledger) as console:
        assert console.client().get("/sign-in/provider").status_code == 502
        assert "/sign-in/provider" not in console.client().get("/sign-in").text


@pytest.mark.parametrize(
    "issuer", ["http://login.example", "https://me:hunter2@login.example", "http://127.0.0.1.evil"]
)
def test_a_provider_is_reached_safely(issuer: str) -> None:
    with pytest.raises(ValidationError, match=r"must (begin with https|not hold a name)"):
        Oidc.model_validate({"issuer": issuer})
