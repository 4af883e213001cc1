"""pynetdicom's negotiation of an association, entered only by those whom the configuration lets in."""

from __future__ import annotations

from typing import Protocol, cast

from pynetdicom.acse import ACSE
from pynetdicom.pdu_primitives import UserIdentityNegotiation

from scp_node.receive.contexts import ABSTRACT_SYNTAX_NOT_SUPPORTED, REFUSED_BY_USER


class Door(Protocol):
    """The association that is asked for."""

    def is_admitted(self, application_context: str) -> bool:
        """Decide on the request that has come, and answer it when it is rejected."""


class AdmittingAcse(ACSE):
    """pynetdicom's negotiation, behind our own admission."""

    def negotiate_association(self) -> None:
        request = self.requestor.primitive
        assert request is not None
        if cast(Door, self.assoc).is_admitted(request.application_context_name or ""):
            super().negotiate_association()

    def send_accept(self) -> None:
        """An abstract syntax that the node does not serve in the role that was asked for is not supported."""
        for context in self.assoc.rejected_contexts:
            if context.result == REFUSED_BY_USER:
                context.result = ABSTRACT_SYNTAX_NOT_SUPPORTED
        super().send_accept()

    def _check_user_identity(self) -> tuple[bool, UserIdentityNegotiation | None]:
        """Admission has judged the identity; who asked for it is told that it was accepted (PS3.7 D.3.3.7.2)."""
        asked = self.requestor.user_identity
        if asked is None or not asked.positive_response_requested:
            return True, None
        response = UserIdentityNegotiation()
        response.server_response = b""  # the node has nothing to say to any type of identity
        return True, response
