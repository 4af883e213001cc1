"""Who asks: a person or a program, and what it may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from scp_node.ledger.account_records import ROLES, Role, Scope
from scp_node.operations.acts import Operator as ActingOperator
from scp_node.operations.audit import LedgerRecorder
from scp_node.web.context import context_of
from scp_node.web.dicomweb_path import is_dicomweb

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110 9.2.1
# Where a film is sent, which is read as it comes.
UPLOADS = frozenset({"/try", "/api/predict", "/api/v1/predict"})


def reads_its_body(path: str) -> bool:
    """Whether what is sent there is read as it comes, within limits of its own."""
    return path in UPLOADS or is_dicomweb(path)


class SignInNeeded(Exception):
    """Nobody is signed in: a page leads to the sign-in, an API answers 401."""


class NotAllowed(Exception):
    """Somebody is signed in, and may not do this: 403."""


@dataclass(frozen=True)
class Visitor:
    """`csrf` stands in each form of this visitor's pages; empty for a program, which has no cookie to be misused.
    `session`: the digest of a person's session. `scopes`: what the token of a program allows, None for a person, and
    `token`: what it is for."""

    name: str
    role: Role
    csrf: str = ""
    session: str = ""
    scopes: tuple[Scope, ...] | None = None
    token: str = ""

    def may(self, role: Role) -> bool:
        return ROLES.index(self.role) >= ROLES.index(role)

    @property
    def is_program(self) -> bool:
        return self.scopes is not None

    def may_ask(self, role: Role, method: str, path: str) -> bool:
        """Whether this visitor may ask for what takes `role`. A token allows a part of what its user may."""
        if not self.may(role):
            return False
        if self.scopes is None:
            return True
        if path in UPLOADS and method == "POST":
            return "predict" in self.scopes
        if is_dicomweb(path):
            return method == "POST" and "store" in self.scopes
        return ("read" if role == "viewer" else "operate") in self.scopes


def visitor_of(request: Request) -> Visitor | None:
    """Whoever the entrance has found out."""
    found: Visitor | None = getattr(request.state, "visitor", None)
    return found


class AtLeast:
    """A dependency: the visitor, who has this role or one that may more. Raises SignInNeeded and NotAllowed."""

    def __init__(self, role: Role) -> None:
        self._role = role

    def __call__(self, request: Request) -> Visitor:
        visitor = visitor_of(request)
        if visitor is None:
            raise SignInNeeded
        if not visitor.may_ask(self._role, request.method, request.url.path):
            raise NotAllowed
        return visitor


def person(request: Request) -> Visitor:
    """A dependency: somebody who has signed in with a browser. Raises SignInNeeded and NotAllowed."""
    visitor = AtLeast("viewer")(request)
    if visitor.is_program:
        raise NotAllowed
    return visitor


def acting(request: Request) -> ActingOperator:
    """The visitor as the operator of an act, which is kept in the audit trail. Raises SignInNeeded."""
    visitor = visitor_of(request)
    if visitor is None:
        raise SignInNeeded
    return ActingOperator(visitor.name, LedgerRecorder(context_of(request).ledger))


Viewer = Annotated[Visitor, Depends(AtLeast("viewer"))]
Operator = Annotated[Visitor, Depends(AtLeast("operator"))]
Admin = Annotated[Visitor, Depends(AtLeast("admin"))]
Person = Annotated[Visitor, Depends(person)]
Acting = Annotated[ActingOperator, Depends(acting)]
