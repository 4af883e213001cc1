"""When the disk will be full, at the rate at which images and results came and went in the last days."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from converter.page.counted import counted
from scp_node.checks.result import CheckedNode, CheckResult, ok, warning
from scp_node.host.disk_space import DiskSpace
from scp_node.ledger import Ledger
from scp_node.ledger.database import open_for_reading
from scp_node.ledger.records import now_utc
from scp_node.ledger.shape import shape_of
from scp_node.retention.forecast import Forecast, forecast
from scp_node.settings.places import database_url, spool_dir
from scp_node.storage.limits import disk_limits

# As the alarm in config/deploy/prometheus-alerts.yaml.
SOON_DAYS = 14
ROOM_REMEDY = "Make room, or shorten the days of section retention; what is finished goes when the disk is nearly full."
GB = 1e9


def disk_forecast(node: CheckedNode) -> Iterator[CheckResult]:
    """What the ledger tells; a ledger that cannot be read is a matter of its own check."""
    settings, spool = node.settings, spool_dir(node.settings)
    if settings.storage.blobs == "s3":
        yield ok("not of this machine: images and results are in the object store")
        return
    if not spool.is_dir():
        yield ok("nothing has come yet")
        return
    engine = open_for_reading(database_url(settings), settings.storage.postgresql.limits("command"))
    try:
        shape = shape_of(engine)
        if shape.is_older or shape.fault:
            yield ok("not known: the ledger is not of this release")
            return
        room_bytes = DiskSpace(spool, disk_limits(settings.storage)).fullness().room_bytes
        with Ledger(engine).reading() as tx:
            yield _said(forecast(tx, room_bytes, now_utc()))
    except SQLAlchemyError:
        yield ok("not known: the ledger cannot be read")
    finally:
        engine.dispose()


def _said(seen: Forecast) -> CheckResult:
    rate = f"{seen.received_a_day / GB:.2f} GB a day come, {seen.removed_a_day / GB:.2f} GB a day are removed"
    if math.isinf(seen.full_in_days):
        return ok(f"never full at this rate: {rate}")
    days = max(0.0, seen.full_in_days)
    fact = f"full in {counted(round(days), 'day')} at this rate: {rate}, {seen.room_bytes / GB:.1f} GB are left"
    if days >= SOON_DAYS:
        return ok(fact)
    return warning(fact, ROOM_REMEDY, ("retention",))
