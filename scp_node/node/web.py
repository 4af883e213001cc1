"""The web role: says over HTTP whether the node is ready, and what it counts."""

from __future__ import annotations

import logging

from scp_node.ledger import Ledger
from scp_node.ledger.database import open_database
from scp_node.node.settings_feed import SettingsFeed, SettingsInUse
from scp_node.settings.cautions import cautions
from scp_node.settings.places import database_url
from scp_node.telemetry.heartbeat import status_folder
from scp_node.web.database_watch import DatabaseWatch
from scp_node.web.server import WebServer, build_app

log = logging.getLogger(__name__)


def run(feed: SettingsFeed) -> None:
    """Answer over HTTP until asked to stop."""
    settings = feed.settings
    engine = open_database(database_url(settings))
    try:
        watch = DatabaseWatch(Ledger(engine))
        in_use = SettingsInUse(settings)
        app = build_app(status_folder(settings.node.data_dir), watch, lambda: cautions(in_use()))
        server = WebServer(settings.web, app)
        watch.start()
        server.start()
        try:
            log.info("web ready", extra={"bind": settings.web.bind, "port": server.port})
            feed.follow(in_use.replace)
        finally:
            server.stop()
            watch.stop()
    finally:
        engine.dispose()
