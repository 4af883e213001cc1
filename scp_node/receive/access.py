"""Who may associate with this node, and under which name the sender is known (PS3.8 9.3.4)."""

from __future__ import annotations

from dataclasses import dataclass

from scp_node.settings import Settings

APPLICATION_CONTEXT_NAME = "1.2.840.10008.3.1.1.1"


@dataclass(frozen=True)
class Admission:
    """The peer is the remote AE `source` of the configuration. One that may not send may still report on the storage
    commitment that it was asked for."""

    source: str
    may_send: bool = True


@dataclass(frozen=True)
class Rejection:
    """Result, source and reason of an A-ASSOCIATE-RJ (PS3.8 Table 9-21)."""

    result: int
    source: int
    diagnostic: int
    reason: str

    @property
    def code(self) -> str:
        return f"{self.result}/{self.source}/{self.diagnostic}"

    def __str__(self) -> str:
        return f"rejected {self.code}: {self.reason}"


UNKNOWN_APPLICATION_CONTEXT = Rejection(1, 1, 2, "application context name not supported")
UNKNOWN_CALLING_AE_TITLE = Rejection(1, 1, 3, "calling AE title may not send")
UNKNOWN_CALLED_AE_TITLE = Rejection(1, 1, 7, "called AE title is not this node's")
TOO_MANY_ASSOCIATIONS = Rejection(2, 3, 2, "associations_max reached")
TOO_MANY_OF_ONE_AE = Rejection(2, 3, 2, "associations_per_ae_max reached")


def admit(
    settings: Settings, called_ae_title: str, calling_ae_title: str, application_context: str
) -> Admission | Rejection:
    """Decide on an A-ASSOCIATE-RQ. AE titles are compared without the spaces around them (PS3.5 6.2, VR AE)."""
    if application_context != APPLICATION_CONTEXT_NAME:
        return UNKNOWN_APPLICATION_CONTEXT
    if called_ae_title.strip(" ") != settings.node.ae_title:
        return UNKNOWN_CALLED_AE_TITLE
    source = settings.source_named(calling_ae_title)
    if source is not None:
        return Admission(source)
    committing = settings.committing_named(calling_ae_title)
    return UNKNOWN_CALLING_AE_TITLE if committing is None else Admission(committing, may_send=False)


def printable(text: str) -> str:
    """`text` on one line for the log, whatever a peer put into it."""
    return text.encode("unicode_escape").decode("ascii")[:200]
