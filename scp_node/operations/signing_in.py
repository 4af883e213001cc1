"""How people come in and go out: by password, by a one-time link, and what a session is."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta

from scp_node.errors import HilumError, NothingFound, UsageError
from scp_node.ledger import Ledger, Transaction
from scp_node.ledger.account_records import LinkPurpose, LinkRow, Role, SessionRow, UserRow
from scp_node.ledger.records import now_utc
from scp_node.operations.accounts import digest_of, user_name
from scp_node.operations.acts import Operator
from scp_node.operations.audit import LedgerRecorder
from scp_node.operations.passwords import hashed, is_outdated, is_right


class LinkUnusable(HilumError):
    """A one-time link was used before, is too old, or never was one."""

    code = "link-unusable"


@dataclass(frozen=True)
class SignedIn:
    """`secret` goes into the cookie."""

    user: UserRow
    secret: str


def sign_in(ledger: Ledger, name: str, password: str, address: str, session_max_s: float) -> SignedIn | None:
    """None, after the same time, for a wrong password and for somebody who does not exist or is disabled. Raises
    PasswordsBusy. What was typed as an unknown name is not kept: it may be a password."""
    with ledger.reading() as tx:
        user = tx.accounts.get(name.strip().lower())
    is_known = user is not None and user.disabled_at is None
    matches = is_right(password, user.password_hash if user is not None else None)
    who = Operator("" if user is None else user.name, LedgerRecorder(ledger))
    if user is None or not (is_known and matches):
        who.record("sign-in", "account", who.name, "refused", f"from {address}")
        return None
    anew = hashed(password) if is_outdated(user.password_hash or "") else None
    with ledger.transaction() as tx:
        if anew is not None:
            tx.accounts.set_password(user.name, anew)
        secret = open_session(tx, user.name, session_max_s)
    who.record("sign-in", "account", user.name, "done", f"from {address}")
    return SignedIn(user, secret)


def sign_in_vouched_for(
    ledger: Ledger, identity: str, name: str, role: Role, address: str, session_max_s: float
) -> SignedIn:
    """For whom an identity provider vouches: the user is made at the first time, and gets the role that the provider
    says at each. Raises UsageError for a name that is somebody else's here, and for a user who is disabled."""
    with ledger.transaction() as tx:
        user = tx.accounts.of_identity(identity)
        if user is None:
            user = UserRow(user_name(name), role, now_utc(), identity=identity)
            if not tx.accounts.add(user):
                raise UsageError(f"there is another user {user.name} here: ask an administrator")
        if user.disabled_at is not None:
            raise UsageError(f"{user.name} is disabled here: ask an administrator")
        tx.accounts.set_role(user.name, role)
        secret = open_session(tx, user.name, session_max_s)
    who = Operator(user.name, LedgerRecorder(ledger))
    who.record("sign-in", "account", user.name, "done", f"as {role}, by its provider, from {address}")
    return SignedIn(replace(user, role=role), secret)


def refuse_role(ledger: Ledger, identity: str, address: str) -> None:
    """The identity provider says no role any more: whoever came in by it before is let in by nothing that is left."""
    with ledger.transaction() as tx:
        user = tx.accounts.of_identity(identity)
        if user is not None:
            _shut_out(tx, user.name)
    if user is not None:
        who = Operator(user.name, LedgerRecorder(ledger))
        detail = f"its provider says no role: sessions and tokens have ended; from {address}"
        who.record("sign-in", "account", user.name, "refused", detail)


def _shut_out(tx: Transaction, name: str) -> None:
    """End sessions and tokens, and links that nobody has used."""
    now = now_utc()
    tx.sessions.end_all(name, now)
    tx.sessions.revoke_tokens(name, now)
    tx.accounts.drop_links(name)


def open_session(tx: Transaction, name: str, session_max_s: float) -> str:
    """The secret of a session that ends by itself after `session_max_s`."""
    secret, now = secrets.token_urlsafe(32), now_utc()
    tx.sessions.add(SessionRow(digest_of(secret), name, now, now, now + timedelta(seconds=session_max_s)))
    return secret


def end_session(ledger: Ledger, session_digest: str) -> None:
    with ledger.transaction() as tx:
        tx.sessions.end(session_digest, now_utc())


def sign_out(ledger: Ledger, session_digest: str, operator: Operator) -> None:
    """End a session of the operator."""
    end_session(ledger, session_digest)
    operator.record("sign-out", "account", operator.name, "done")


def valid_link(tx: Transaction, secret: str, purpose: LinkPurpose) -> LinkRow:
    """Raises LinkUnusable."""
    link = tx.accounts.link(digest_of(secret), purpose)
    if link is None or not link.is_valid(now_utc()):
        raise LinkUnusable("this link was used before, or is too old")
    return link


def set_up(ledger: Ledger, secret: str, name: str, password: str, address: str, session_max_s: float) -> SignedIn:
    """Make the first user, an administrator, by the link of the first start. Raises LinkUnusable, UsageError and
    PasswordsBusy."""
    with ledger.reading() as tx:
        valid_link(tx, secret, "set-up")
    row = UserRow(user_name(name), "admin", now_utc(), hashed(password))
    with ledger.transaction() as tx:
        link = valid_link(tx, secret, "set-up")
        if not (tx.accounts.is_empty() and tx.accounts.use_link(link.digest, now_utc())):
            raise LinkUnusable("there is an administrator already")
        tx.accounts.add(row)
        session = open_session(tx, row.name, session_max_s)
    Operator(row.name, LedgerRecorder(ledger)).record("set-up", "account", row.name, "done", f"from {address}")
    return SignedIn(row, session)


def choose_password(ledger: Ledger, secret: str, password: str, address: str, session_max_s: float) -> SignedIn:
    """Set the password of the user of a link, and end all that let this user in before. Raises LinkUnusable and
    PasswordsBusy."""
    with ledger.reading() as tx:
        valid_link(tx, secret, "password")
    password_hash = hashed(password)
    with ledger.transaction() as tx:
        link, now = valid_link(tx, secret, "password"), now_utc()
        user = tx.accounts.get(link.user_name or "")
        if user is None or user.disabled_at is not None or not tx.accounts.use_link(link.digest, now):
            raise LinkUnusable("this user is disabled, or the link was used just now")
        tx.accounts.set_password(user.name, password_hash)
        _shut_out(tx, user.name)
        session = open_session(tx, user.name, session_max_s)
    Operator(user.name, LedgerRecorder(ledger)).record("set-password", "account", user.name, "done", f"from {address}")
    return SignedIn(user, session)


def change_password(ledger: Ledger, old: str, new: str, session_max_s: float, operator: Operator) -> SignedIn | None:
    """Set one's own password, and end all else that lets one in: sessions, tokens and links. None when `old` is
    wrong. Raises PasswordsBusy."""
    with ledger.reading() as tx:
        user = tx.accounts.get(operator.name)
    if user is None:
        raise NothingFound("there is no such user")
    if not is_right(old, user.password_hash):
        operator.record("set-password", "account", user.name, "refused")
        return None
    password_hash = hashed(new)
    with ledger.transaction() as tx:
        tx.accounts.set_password(user.name, password_hash)
        _shut_out(tx, user.name)
        session = open_session(tx, user.name, session_max_s)
    operator.record("set-password", "account", user.name, "done")
    return SignedIn(user, session)
