"""What a destination can do for us: does it answer, how fast, and which objects does it take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scp_node.deliver.result_objects import RESULT_CLASSES
from scp_node.dimse.uids import COMPREHENSIVE_3D_SR, COMPREHENSIVE_SR, STORAGE_COMMITMENT, STUDY_ROOT_FIND
from scp_node.tls.certificates import Certificate

PROBED_CLASSES: dict[str, str] = RESULT_CLASSES | {
    STORAGE_COMMITMENT: "Storage Commitment",
    STUDY_ROOT_FIND: "Query (C-FIND)",
}


@dataclass(frozen=True)
class ProbeStep:
    """One thing that was tried and was answered: how long that took, and the answer where it says more."""

    name: str
    took_s: float
    answer: str = ""


@dataclass(frozen=True)
class Capabilities:
    """What probing one destination showed. Nothing was stored there.

    address: whom we called, where, and under which name.
    steps: what was answered, in its order.
    accepted: for each probed class, the transfer syntaxes in which it is taken, none where it is refused; empty as a
    whole when nothing was found out.
    problem: why results would not arrive, whatever their class; empty when nothing is wrong.
    tls_version, certificate: what TLS agreed on, and whom it showed; None without TLS.
    """

    name: str
    address: str
    steps: tuple[ProbeStep, ...] = ()
    accepted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problem: str = ""
    tls_version: str | None = None
    certificate: Certificate | None = None

    @property
    def reachable(self) -> bool:
        """It answered, and well."""
        return not self.problem

    @property
    def sr_class(self) -> str | None:
        """The class in which a report would arrive there: Comprehensive 3D, else Comprehensive, else none."""
        return next((uid for uid in (COMPREHENSIVE_3D_SR, COMPREHENSIVE_SR) if self.accepted.get(uid)), None)
