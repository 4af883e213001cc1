"""The receiver: takes in objects, and enters what archives report of results."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Sequence
from contextlib import closing
from functools import partial

from scp_node.engine.retry import retry_table
from scp_node.engine.wakeup import Waker
from scp_node.errors import OutOfResources
from scp_node.host.processors import be_prompt
from scp_node.ledger import Ledger
from scp_node.ledger.callers import CallerRecord
from scp_node.ledger.commit_watch import CommitWatch
from scp_node.node.opening import opened
from scp_node.node.presence import Presence
from scp_node.node.settings_feed import SettingsFeed, SettingsInUse
from scp_node.node.taking_in import rank_by, received_instances
from scp_node.receive.scp import StorageScp
from scp_node.settings import Settings
from scp_node.settings.places import wakeup_path
from scp_node.storage.blobs import Blobs
from scp_node.storage.opening import open_blobs
from scp_node.telemetry import metrics
from scp_node.telemetry.heartbeat import Heartbeat, status_folder
from scp_node.tls.certificates import certificate_expiry
from scp_node.workflow.commitment_book import CommitmentBook

log = logging.getLogger(__name__)


def run(feed: SettingsFeed) -> None:
    """Take in objects until asked to stop."""
    be_prompt()
    settings, node = feed.settings, feed.settings.node
    heartbeat = Heartbeat(status_folder(node.data_dir), "receiver", metrics.RECEIVER)
    with (
        heartbeat,
        opened(settings, "receiver") as (ledger, jobs),
        Presence(ledger, settings, "receiver") as presence,
        closing(Waker(wakeup_path(settings))) as waker,
    ):
        spool = open_blobs(settings)
        in_use = SettingsInUse(settings)
        reports = CommitmentBook(ledger, jobs, lambda: retry_table(in_use().workers, in_use().delivery))
        instances = received_instances(in_use, ledger, jobs, spool)
        receiver = StorageScp(
            settings,
            spool,
            instances,
            reports=reports,
            after_commit=waker.wake,
            enter_callers=partial(_enter_callers, ledger),
            receivers=lambda: presence.alive,
            rank_of=rank_by(in_use),
        )
        commits = CommitWatch(ledger)
        commits.start()
        _measure(receiver, spool)
        receiver.start()
        try:
            log.info("receiver ready", extra={"ae_title": node.ae_title, "bind": node.bind, "port": receiver.port})
            heartbeat.ready_unless(lambda: receiver_obstacles(receiver, spool) + commits.obstacles())
            feed.follow(partial(_change, in_use, receiver))
        finally:
            heartbeat.stopping()
            receiver.stop(settings.workers.drain_s)
            commits.stop()


def _change(in_use: SettingsInUse, receiver: StorageScp, new: Settings) -> None:
    in_use.replace(new)
    receiver.reload(new)


def _enter_callers(ledger: Ledger, records: Sequence[CallerRecord]) -> None:
    with ledger.transaction() as tx:
        tx.callers.add(records)


def receiver_obstacles(receiver: StorageScp, spool: Blobs) -> list[str]:
    """Why a sender should not come here now."""
    obstacles = [] if receiver.is_listening else ["does not listen"]
    try:
        spool.check_room()
    except OutOfResources as refusal:
        obstacles.append(f"takes no images: {refusal}")
    return obstacles


def _measure(receiver: StorageScp, spool: Blobs) -> None:
    def volume_bytes(count: str) -> float:
        volume = os.statvfs(spool.root)
        return float(getattr(volume, count) * volume.f_frsize)

    metrics.associations_open.set_function(lambda: receiver.association_count)
    metrics.connections_open.set_function(lambda: receiver.limits.connections)
    metrics.spool_healthy.set_function(lambda: spool.healthy)
    metrics.spool_free_bytes.set_function(lambda: volume_bytes("f_bavail"))
    metrics.spool_disk_bytes.set_function(lambda: volume_bytes("f_blocks"))
    if receiver.settings.tls.profile != "off":
        metrics.certificate_expiry_seconds.labels("own").set_function(
            lambda: certificate_expires_in_s(receiver.settings)
        )


def certificate_expires_in_s(settings: Settings) -> float:
    """Seconds until this node's certificate expires; not a number where there is none that can be read."""
    certificate = settings.tls.certificate
    try:
        return math.nan if certificate is None else certificate_expiry(certificate).timestamp() - time.time()
    except (OSError, ValueError):
        return math.nan
