"""What every page and every answer is made from: the node as the web role sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from fastapi import Request

from scp_node.engine.wakeup import Waker
from scp_node.intake.store import Store
from scp_node.ledger import Ledger
from scp_node.settings import Settings
from scp_node.web.database_watch import DatabaseWatch
from scp_node.web.last_seen import LastSeen
from scp_node.web.pictures.desk import PictureDesk
from scp_node.web.recent_views import RecentViews
from scp_node.web.throttle import Throttle


@dataclass(frozen=True)
class WebContext:
    """`settings` gives those in use now. `statuses`: the folder in which the roles write how they are. `desk`: makes
    pictures in a process of its own. `config`: the file that the node was started with. `store`: where images go that
    come by STOW-RS; None where none are taken. `throttle`, `views` and `seen`: how often passwords were tried, studies
    looked at, and who was there when."""

    ledger: Ledger
    settings: Callable[[], Settings]
    statuses: Path
    database: DatabaseWatch
    waker: Waker
    desk: PictureDesk
    config: Path | None = None
    store: Store | None = None
    throttle: Throttle = field(default_factory=Throttle)
    views: RecentViews = field(default_factory=RecentViews)
    seen: LastSeen = field(default_factory=LastSeen)


def context_of(request: Request) -> WebContext:
    return cast(WebContext, request.app.state.context)
