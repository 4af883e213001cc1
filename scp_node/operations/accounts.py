"""What is done to users: added, given a role, disabled; and the secrets that make them known.

A secret is returned once, to be handed over, and only its digest stays.
"""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from converter.page.counted import counted
from scp_node.errors import NothingFound, UsageError
from scp_node.ledger import Ledger, Transaction
from scp_node.ledger.account_records import SCOPES, LinkPurpose, LinkRow, Role, Scope, TokenRow, UserRow
from scp_node.ledger.records import now_utc
from scp_node.operations.acts import ActKind, ActOutcome, Operator

LINK_VALID_S = 24 * 3600.0
TOKENS_MAX = 100
TOKEN_DAYS_MAX = 3650
TOKEN_PREFIX = "hilum_"  # by which programs that look for secrets in files know one
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
NAME_RULE = "a name has up to 64 letters a to z, digits and . _ @ + -, and begins with a letter or digit"


@dataclass(frozen=True)
class OneTimeSecret:
    """What a link or a token is made of, for this once, and until when it works."""

    secret: str
    expires_at: datetime


def digest_of(secret: str) -> str:
    """What is kept of a secret."""
    return sha256(secret.encode()).hexdigest()


def user_name(text: str) -> str:
    """A name as it is kept: in lower case. Raises UsageError."""
    name = text.strip().lower()
    if _NAME.fullmatch(name) is None:
        raise UsageError(NAME_RULE)
    return name


def add_user(ledger: Ledger, name: str, role: Role, operator: Operator) -> OneTimeSecret:
    """A user who chooses a password by the link. Raises UsageError when the name is taken or is none."""
    name = user_name(name)
    with _recorded(operator, "add-user", name, role), ledger.transaction() as tx:
        if not tx.accounts.add(UserRow(name, role, now_utc())):
            raise UsageError(f"there is a user {name} already")
        return new_link(tx, "password", name)


def make_link(ledger: Ledger, name: str, operator: Operator) -> OneTimeSecret:
    """A link by which a user chooses another password; the former one works until then. Raises NothingFound."""
    with _recorded(operator, "make-link", name), ledger.transaction() as tx:
        return new_link(tx, "password", known_user(tx, name).name)


def make_set_up_link(ledger: Ledger) -> OneTimeSecret | None:
    """A link that makes the first user, an administrator. None where there is a user."""
    with ledger.transaction() as tx:
        return new_link(tx, "set-up", None) if tx.accounts.is_empty() else None


def set_role(ledger: Ledger, name: str, role: Role, operator: Operator) -> None:
    """Raises NothingFound."""
    with _recorded(operator, "set-role", name, role), ledger.transaction() as tx:
        tx.accounts.set_role(known_user(tx, name).name, role)


def disable_user(ledger: Ledger, name: str, operator: Operator) -> None:
    """The user cannot sign in, sessions end and tokens do not work any more. Raises NothingFound."""
    with _recorded(operator, "disable-user", name), ledger.transaction() as tx:
        user, now = known_user(tx, name), now_utc()
        tx.accounts.set_disabled(user.name, user.disabled_at or now)
        tx.sessions.end_all(user.name, now)
        tx.sessions.revoke_tokens(user.name, now)


def enable_user(ledger: Ledger, name: str, operator: Operator) -> None:
    """The user may sign in again; tokens have to be made anew. Raises NothingFound."""
    with _recorded(operator, "enable-user", name), ledger.transaction() as tx:
        tx.accounts.set_disabled(known_user(tx, name).name, None)


def issue_token(
    ledger: Ledger, name: str, token_name: str, scopes: Sequence[Scope], valid_days: int, operator: Operator
) -> OneTimeSecret:
    """A token for programs that act as this user. Raises NothingFound, and UsageError for too many."""
    token_id, now = str(uuid.uuid4()), now_utc()
    detail = f"{token_id} {','.join(scopes)} for {counted(valid_days, 'day')}"
    with _recorded(operator, "issue-token", name, detail), ledger.transaction() as tx:
        user = known_user(tx, name)
        if user.disabled_at is not None:
            raise UsageError(f"{user.name} is disabled")
        if sum(one.is_valid(now) for one in tx.sessions.tokens_of(user.name)) >= TOKENS_MAX:
            raise UsageError(f"{user.name} has {TOKENS_MAX} tokens: revoke those that nobody uses")
        made = OneTimeSecret(TOKEN_PREFIX + secrets.token_urlsafe(32), now + timedelta(days=valid_days))
        kept = tuple(one for one in SCOPES if one in scopes)
        called = token_name.replace("\0", "")[:64]
        digest = digest_of(made.secret)
        tx.sessions.add_token(TokenRow(token_id, digest, user.name, called, kept, now, made.expires_at))
    return made


def revoke_token(ledger: Ledger, name: str, token_id: str, operator: Operator) -> None:
    """Raises NothingFound."""
    with _recorded(operator, "revoke-token", name, token_id), ledger.transaction() as tx:
        if not tx.sessions.revoke_token(known_user(tx, name).name, token_id, now_utc()):
            raise NothingFound(f"{name} has no such token that works")


def known_user(tx: Transaction, name: str) -> UserRow:
    """Raises NothingFound."""
    found = tx.accounts.get(name.strip().lower())
    if found is None:
        raise NothingFound(f"there is no user {name}; 'hilum user list' shows all")
    return found


def new_link(tx: Transaction, purpose: LinkPurpose, name: str | None) -> OneTimeSecret:
    """Links made before for the same do not work any more."""
    now = now_utc()
    made = OneTimeSecret(secrets.token_urlsafe(32), now + timedelta(seconds=LINK_VALID_S))
    tx.accounts.add_link(LinkRow(digest_of(made.secret), purpose, name, now, made.expires_at))
    return made


@contextmanager
def _recorded(operator: Operator, kind: ActKind, name: str, detail: str = "") -> Iterator[None]:
    outcome: ActOutcome = "failed"
    try:
        yield
        outcome = "done"
    except (UsageError, NothingFound):
        outcome = "refused"
        raise
    finally:
        operator.record(kind, "account", name[:64], outcome, detail)
