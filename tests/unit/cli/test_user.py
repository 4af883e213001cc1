"""`hilum user`: a link is printed for a person and a token for a program, both once, and everything is entered."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from scp_node.ledger import Ledger
from scp_node.ledger.database import open_database
from scp_node.operations.accounts import digest_of
from scp_node.operations.signing_in import valid_link
from scp_node.settings.places import default_url

Command = Callable[..., Result]


@pytest.fixture
def ledger(config: Path) -> Ledger:
    return Ledger(open_database(default_url(config.parent)))


def test_a_user_is_added_with_a_link_on_standard_output_alone(hilum: Command, ledger: Ledger) -> None:
    added = hilum("user", "add", "Berta", "--role", "viewer")
    link = re.fullmatch(r"http://127\.0\.0\.1:8043/password/([\w-]{43})\n", added.stdout)
    assert link is not None, added.output
    with ledger.reading() as tx:
        assert valid_link(tx, link[1], "password").user_name == "berta"
    second = hilum("user", "link", "berta").stdout.split("/")[-1].strip()
    with ledger.reading() as tx:
        assert valid_link(tx, second, "password").user_name == "berta"
        assert tx.accounts.link(digest_of(link[1]), "password") is None, "the first link does not work any more"
    ledger.engine.dispose()


def test_a_token_is_on_standard_output_alone_and_works_until_it_is_revoked(hilum: Command, ledger: Ledger) -> None:
    made = hilum("user", "token", "anna", "--name", "report", "--scope", "read", "--expires-days", "7")
    secret = made.stdout.strip()
    assert re.fullmatch(r"hilum_[\w-]{43}", secret)
    listed = [json.loads(line) for line in hilum("user", "tokens", "anna", "--json").stdout.splitlines()]
    assert [(one["name"], one["scopes"]) for one in listed] == [("report", ["read"]), ("script", ["read"])]
    assert secret not in hilum("user", "tokens", "anna").output
    assert hilum("user", "revoke", "anna", listed[0]["token_id"]).exit_code == 0
    assert hilum("user", "revoke", "anna", listed[0]["token_id"]).exit_code != 0
    with ledger.reading() as tx:
        found = tx.sessions.token(digest_of(secret))
        assert found is not None and found[0].revoked_at is not None
    ledger.engine.dispose()


def test_a_user_who_is_disabled_loses_sessions_and_tokens(hilum: Command, ledger: Ledger) -> None:
    hilum("user", "token", "anna")
    assert hilum("user", "disable", "anna").exit_code == 0
    (anna,) = [json.loads(line) for line in hilum("user", "list", "--json").stdout.splitlines()]
    assert anna["disabled_at"] is not None and anna["tokens"] == 0 and not anna["has_password"]
    assert hilum("user", "token", "anna").exit_code != 0
    assert hilum("user", "enable", "anna").exit_code == 0
    assert json.loads(hilum("user", "list", "--json").stdout)["disabled_at"] is None
    ledger.engine.dispose()


def test_every_act_is_in_the_audit_trail(hilum: Command, ledger: Ledger) -> None:
    for words in (["add", "berta", "--role", "viewer"], ["role", "berta", "admin"], ["role", "nobody", "admin"]):
        hilum("user", *words)
    with ledger.reading() as tx:
        rows = tx.audit.before(None, 10)[::-1]
    assert [(row.act, row.object_id, row.outcome, row.detail) for row in rows] == [
        ("add-user", "berta", "done", "viewer"),
        ("set-role", "berta", "done", "admin"),
        ("set-role", "nobody", "refused", "admin"),
    ]
    assert all(row.who for row in rows)
    ledger.engine.dispose()
