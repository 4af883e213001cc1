"""What the receiver and the web role take images in by, each in its own process: the same rows, ranks and refusals."""

from __future__ import annotations

from collections.abc import Mapping

from scp_node.analysis.routing import expected_rank
from scp_node.engine.jobs import JobQueue
from scp_node.intake.received_instances import ReceivedInstances
from scp_node.intake.store import RankOf
from scp_node.ledger import Ledger
from scp_node.node.settings_feed import SettingsInUse
from scp_node.storage.blobs import Blobs


def received_instances(in_use: SettingsInUse, ledger: Ledger, jobs: JobQueue, spool: Blobs) -> ReceivedInstances:
    """Enters instances as the settings of the moment say."""

    def refuses_changes() -> bool:
        return in_use().receiver.changed_instances == "refuse"

    return ReceivedInstances(ledger, jobs, refuses_changes, spool.holds)


def rank_by(in_use: SettingsInUse) -> RankOf:
    """How urgent an image is that just came, by the routes of the moment."""

    def rank(source: str, texts: Mapping[str, str]) -> int:
        return expected_rank(in_use().routes, source, texts)

    return rank
