"""`hilum user`: who may use the console and the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from scp_node.cli.listing import JsonLinesOption, Listing
from scp_node.cli.moments import local
from scp_node.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    PlaceOption,
    reading_node,
    recorded_operator,
    writing_node,
)
from scp_node.cli.terminal import say, say_json
from scp_node.errors import UsageError
from scp_node.ledger.account_records import ROLES, SCOPES, Role, Scope
from scp_node.operations import accounts as operations
from scp_node.operations.accounts import TOKEN_DAYS_MAX, OneTimeSecret, known_user
from scp_node.queries.accounts import list_users as users_in
from scp_node.queries.accounts import tokens_of
from scp_node.queries.document import document_of
from scp_node.settings import Settings

UserName = Annotated[str, typer.Argument(metavar="NAME", help="The name with which the user signs in.")]
user_app = typer.Typer(help="Who may use the console and the API.", no_args_is_help=True)


@user_app.command("add")
def add_user(
    name: UserName,
    role: Annotated[str, typer.Option(help=f"What the user may: {', '.join(ROLES)}; each what those before it may.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add a user, and print a link by which the user chooses a password: it works once, and for a day. The node may run
    meanwhile, with this command as with the others of this group."""
    wanted = _role(role)
    with writing_node(config) as (settings, ledger):
        made = operations.add_user(ledger, name, wanted, recorded_operator(ledger))
        _hand_over(settings, made)


@user_app.command("link")
def make_link(name: UserName, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Print a link by which a user chooses another password, when the first one was lost or the password forgotten."""
    with writing_node(config) as (settings, ledger):
        _hand_over(settings, operations.make_link(ledger, name, recorded_operator(ledger)))


@user_app.command("list")
def list_users(json: JsonLinesOption = False, config: PlaceOption = DEFAULT_CONFIG) -> None:
    """Every user: role, and whether the user has a password, tokens that work, or is disabled."""
    with reading_node(config) as (_, ledger), ledger.reading() as tx:
        found = users_in(tx, datetime.now(UTC))
    if json:
        for one in found:
            say_json(document_of(one))
        return
    listing = Listing("name", "role", "added", "password", "tokens", "disabled")
    for one in found:
        password = "by its provider" if one.identity else "yes" if one.has_password else "not yet"
        listing.add(one.name, one.role, local(one.created_at), password, str(one.tokens), local(one.disabled_at))
    listing.show()
    if not found:
        say("There is no user yet. The node logs a link at its start that makes the first one: 'set up the console'.")


@user_app.command("role")
def set_role(
    name: UserName,
    role: Annotated[str, typer.Argument(metavar="ROLE", help=f"One of {', '.join(ROLES)}.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Give a user another role, which counts at once."""
    wanted = _role(role)
    with writing_node(config) as (_, ledger):
        operations.set_role(ledger, name, wanted, recorded_operator(ledger))
    say(f"{name} is {wanted} now")


@user_app.command("disable")
def disable_user(name: UserName, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Keep a user out: sessions end at once, and tokens do not work any more. What the user did stays in the audit
    trail."""
    with writing_node(config) as (_, ledger):
        operations.disable_user(ledger, name, recorded_operator(ledger))
    say(f"{name} is disabled: sessions have ended, tokens are revoked")


@user_app.command("enable")
def enable_user(name: UserName, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Let a user in again, with the same password. Tokens have to be made anew."""
    with writing_node(config) as (_, ledger):
        operations.enable_user(ledger, name, recorded_operator(ledger))
    say(f"{name} may sign in again")


@user_app.command("token")
def issue_token(
    name: UserName,
    called: Annotated[str, typer.Option("--name", help="What the token is for.")] = "command line",
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="What it allows, as far as the role of the user goes: read (what a viewer sees), predict (have files "
            "analysed), operate (acts), store (send images by STOW-RS, for an operator). May be given more than once; "
            "read and predict if absent."
        ),
    ] = None,
    expires_days: Annotated[int, typer.Option(min=1, max=TOKEN_DAYS_MAX, help="For how many days it works.")] = 90,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Print a token for a program that acts for this user, to be sent in the header `Authorization: Bearer TOKEN`. It
    is shown this once."""
    for one in scope or ():
        if one not in SCOPES:
            raise UsageError(f"there is no scope {one}; scopes are {', '.join(SCOPES)}")
    scopes: list[Scope] = [one for one in SCOPES if one in (scope or ("read", "predict"))]
    with writing_node(config) as (_, ledger):
        made = operations.issue_token(ledger, name, called, scopes, expires_days, recorded_operator(ledger))
    say(f"A token for {name} ({', '.join(scopes)}), until {local(made.expires_at)}:", error=True)
    say(made.secret)


@user_app.command("tokens")
def list_tokens(name: UserName, json: JsonLinesOption = False, config: PlaceOption = DEFAULT_CONFIG) -> None:
    """The tokens of a user, the newest first, also those that do not work any more."""
    with reading_node(config) as (_, ledger), ledger.reading() as tx:
        found = tokens_of(tx, known_user(tx, name).name)
    if json:
        for one in found:
            say_json(document_of(one))
        return
    listing = Listing("token", "scopes", "made", "last used", "ends", "revoked", "name")
    for one in found:
        moments = (one.created_at, one.last_used_at, one.expires_at, one.revoked_at)
        listing.add(one.token_id, ",".join(one.scopes), *map(local, moments), one.name)
    listing.show()
    if not found:
        say("There is none.")


@user_app.command("revoke")
def revoke_token(
    name: UserName,
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="As `hilum user tokens` shows it.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Make a token useless, at once."""
    with writing_node(config) as (_, ledger):
        operations.revoke_token(ledger, name, token, recorded_operator(ledger))
    say(f"{token} does not work any more")


def _role(text: str) -> Role:
    if text not in ROLES:
        raise UsageError(f"there is no role {text}; roles are {', '.join(ROLES)}")
    return text


def _hand_over(settings: Settings, made: OneTimeSecret) -> None:
    from scp_node.web.access.addresses import console_url

    say(f"Give this link to the user. It works once, until {local(made.expires_at)}:", error=True)
    say(f"{console_url(settings.web)}/password/{made.secret}")
