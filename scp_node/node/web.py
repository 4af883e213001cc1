"""The web role: says over HTTP whether the node is ready and what it counts, and serves its pages."""

from __future__ import annotations

import logging
import os
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from scp_node.engine.jobs import JobQueue
from scp_node.engine.wakeup import Waker
from scp_node.host.processors import step_back
from scp_node.intake.group_commit import GroupCommit
from scp_node.intake.store import Store
from scp_node.intake.terms import walk_limits
from scp_node.ledger import Ledger
from scp_node.ledger.database import open_database
from scp_node.monitoring.certificate_expiry import certificate_cautions
from scp_node.node.presence import Presence
from scp_node.node.settings_feed import CONFIG_VARIABLE, SettingsFeed, SettingsInUse
from scp_node.node.taking_in import rank_by, received_instances
from scp_node.operations.accounts import make_set_up_link
from scp_node.settings import Settings
from scp_node.settings.cautions import cautions
from scp_node.settings.places import database_url, wakeup_path
from scp_node.storage.opening import open_blobs
from scp_node.telemetry.heartbeat import status_folder
from scp_node.web.access.addresses import console_url
from scp_node.web.application import build_app
from scp_node.web.context import WebContext
from scp_node.web.database_watch import DatabaseWatch
from scp_node.web.pictures.desk import PictureDesk
from scp_node.web.server import WebServer

log = logging.getLogger(__name__)
# Behind the receiver: who looks at a page or uploads a film may wait, a sender may not.
NICENESS = 5


def run(feed: SettingsFeed) -> None:
    """Answer over HTTP until asked to stop."""
    step_back(NICENESS)
    settings = feed.settings
    engine = open_database(database_url(settings), settings.storage.postgresql.limits("web"))
    in_use = SettingsInUse(settings)
    ledger = Ledger(engine)
    try:
        with (
            Presence(ledger, settings, "web"),
            closing(PictureDesk(in_use)) as desk,
            closing(Waker(wakeup_path(settings))) as waker,
        ):
            watch = DatabaseWatch(ledger)
            statuses = status_folder(settings.node.data_dir)
            config = Path(os.environ[CONFIG_VARIABLE]) if CONFIG_VARIABLE in os.environ else None
            store = _store(settings, in_use, ledger, waker) if settings.web.stow.enabled else None
            context = WebContext(ledger, in_use, statuses, watch, waker, desk, config, store)
            app = build_app(context, lambda: _cautions(in_use()))
            server = WebServer(settings.web, app)
            watch.start()
            app.state.live.start()
            server.start()
            try:
                _invite(ledger, settings)
                log.info("web ready", extra={"bind": settings.web.bind, "port": server.port})
                feed.follow(partial(_change, in_use, store))
            finally:
                app.state.live.close()
                server.stop()
                watch.stop()
    finally:
        engine.dispose()


def _store(settings: Settings, in_use: SettingsInUse, ledger: Ledger, waker: Waker) -> Store:
    """The same intake as the receiver's, in this process: file, row and job are durable before an instance is answered
    as stored. A file that an earlier process of this role has left half is removed."""
    spool = open_blobs(settings)
    spool.sweep_parts()
    instances = received_instances(in_use, ledger, JobQueue(), spool)
    return Store(spool, GroupCommit(instances, spool, waker.wake), walk_limits(settings), rank_by(in_use))


def _change(in_use: SettingsInUse, store: Store | None, settings: Settings) -> None:
    in_use.replace(settings)
    if store is not None:
        store.limits = walk_limits(settings)


def _cautions(settings: Settings) -> list[str]:
    return [*cautions(settings), *certificate_cautions(settings.tls, datetime.now(UTC))]


def _invite(ledger: Ledger, settings: Settings) -> None:
    """While there is no user, each start makes a link for the person who starts the node; former ones do not work any
    more. There is no password that would be known before."""
    made = make_set_up_link(ledger)
    if made is not None:
        link = f"{console_url(settings.web)}/set-up/{made.secret}"
        log.info("set up the console", extra={"link": link, "until": made.expires_at.isoformat(timespec="seconds")})
