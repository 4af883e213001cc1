"""Which hosts work on the same ledger, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from converter.page.counted import counted
from scp_node.checks.result import CheckedNode, CheckResult, ok, problem, warning
from scp_node.ledger import Ledger
from scp_node.ledger.database import open_for_reading
from scp_node.ledger.shape import shape_of
from scp_node.monitoring.hosts import faults_of, hosts_of
from scp_node.settings.places import database_url


def hosts(node: CheckedNode) -> Iterator[CheckResult]:
    """What the ledger tells; a ledger that cannot be read is a matter of its own check."""
    settings = node.settings
    if not settings.node.data_dir.is_dir():
        yield ok("nothing has run yet")
        return
    engine = open_for_reading(database_url(settings), settings.storage.postgresql.limits("command"))
    try:
        shape = shape_of(engine)
        if shape.found is None or shape.is_older or shape.fault:
            yield ok("not known: the ledger is not of this release")
            return
        with Ledger(engine).reading() as tx:
            found = hosts_of(tx, settings)
    except SQLAlchemyError:
        yield ok("not known: the ledger cannot be read")
        return
    finally:
        engine.dispose()
    for fault in faults_of(found):
        yield (problem if fault.is_bad else warning)(fault.fact, fault.remedy, ("node", "host_id"))
    alive = dict.fromkeys(one.sign.host_id for one in found if not one.is_silent)
    yield ok(f"{counted(len(alive), 'host')} at work{': ' if alive else ''}{', '.join(alive)}")
