"""What a running node has learnt about its models: how far two of them agree, and whether images have drifted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from converter.package.distribution import Distribution
from scp_node.errors import ModelUnusable, UsageError
from scp_node.inference.packages import find_package
from scp_node.ledger import Ledger, Transaction
from scp_node.monitoring.agreement import Agreement, Unscored, agreements
from scp_node.monitoring.drift import ReferenceOf, SenderDrift, drift_of
from scp_node.settings import Settings
from scp_node.settings.places import model_folders


@dataclass(frozen=True)
class AgreementReport:
    """Pairs of models on images scored from `since` on."""

    since: datetime
    agreements: tuple[Agreement, ...]
    unscored: tuple[Unscored, ...]

    def document(self) -> dict[str, Any]:
        """The record as JSON has it."""
        return asdict(self) | {"since": self.since.isoformat()}


@dataclass(frozen=True)
class DriftReport:
    """All senders of the last `window_days` days."""

    window_days: int
    senders: tuple[SenderDrift, ...]

    def document(self) -> dict[str, Any]:
        """The record as JSON has it."""
        return asdict(self)


def agreement_report(tx: Transaction, since: datetime) -> AgreementReport:
    """Raises UsageError when there is more than a report can hold."""
    try:
        found, unscored = agreements(tx.shadows.since(since))
    except ValueError as error:
        raise UsageError(str(error)) from error
    return AgreementReport(since, tuple(found), tuple(unscored))


def drift_report(ledger: Ledger, settings: Settings) -> DriftReport:
    """Images are compared with the packages that are there now."""
    return DriftReport(settings.drift.window_days, tuple(drift_of(ledger, settings.drift, _reference_of(settings))))


def _reference_of(settings: Settings) -> ReferenceOf:
    """The `distribution` of a package of this node, by label; None where there is no such package any more."""

    def look_up(label: str) -> Distribution | None:
        try:
            return find_package(model_folders(settings), label).manifest.distribution
        except ModelUnusable:
            return None

    return look_up
