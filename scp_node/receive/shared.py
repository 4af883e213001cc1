"""What the associations of one listener share: the terms of new ones, where messages go, and how many there may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pynetdicom import AE
from pynetdicom.presentation import PresentationContext

from converter.product import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp_node.intake.store import Store
from scp_node.intake.terms import modalities_of, walk_limits
from scp_node.receive.callers import CallerBook
from scp_node.receive.commitment_reports import ReportBook
from scp_node.receive.connection_limits import ConnectionLimits
from scp_node.receive.contexts import presentation_contexts
from scp_node.receive.latch import Latch
from scp_node.receive.negotiations import Negotiations
from scp_node.settings import Settings


@dataclass(frozen=True)
class Terms:
    """What an association goes by from its first byte to its last, whatever is reloaded meanwhile."""

    settings: Settings
    contexts: list[PresentationContext]
    negotiations: Negotiations = field(default_factory=Negotiations)

    @classmethod
    def of(cls, settings: Settings) -> Terms:
        return cls(settings, presentation_contexts(modalities_of(settings)))

    def renewed(self, settings: Settings) -> Terms:
        """The terms of changed settings. Negotiations stay remembered as long as the same contexts are offered."""
        new = Terms.of(settings)
        return Terms(settings, self.contexts, self.negotiations) if new.contexts == self.contexts else new


class Shared:
    """One for all associations of a listener. `terms` are replaced when the settings change; nothing else is.
    `receivers` says how many there are over the same ledger."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        reports: ReportBook,
        callers: CallerBook,
        receivers: Callable[[], int] = lambda: 1,
    ) -> None:
        self.terms = Terms.of(settings)
        self.store, self.reports, self.callers = store, reports, callers
        self.limits = ConnectionLimits(lambda: self.terms.settings.receiver.part(receivers()))
        # Draining: accept nothing more, let messages that are under way finish. Closing: end all.
        self.draining, self.closing = Latch(), Latch()
        self.ae = _application_entity(settings.node.ae_title)

    def reload(self, settings: Settings) -> None:
        """New associations follow `settings`; those that are open keep what they were admitted with."""
        self.terms = self.terms.renewed(settings)
        self.store.limits = walk_limits(settings)


def _application_entity(ae_title: str) -> AE:
    """This node as pynetdicom knows it."""
    ae = AE(ae_title)
    ae.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    ae.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    ae.maximum_associations = 10**6  # ConnectionLimits counts them, and leaves silent connections out
    return ae
