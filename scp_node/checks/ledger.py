"""The ledger: can this release read it, and, when asked to look deep, is it whole."""

from __future__ import annotations

import os
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from scp_node.checks.result import CheckedNode, CheckResult, obstacle, ok, problem
from scp_node.ledger.database import open_for_reading
from scp_node.ledger.shape import shape_of
from scp_node.settings.places import database_url, spool_dir
from scp_node.settings.strict_yaml import Loc
from scp_node.storage.spool import holds_objects

LOC, URL_LOC = ("node", "data_dir"), ("storage", "database_url")
FAULTS_MAX = 3
CORRUPT = "Stop the node, keep a copy of data_dir, and restore the last backup."
NOT_OURS = "The files belong to the user of the node: chown them, or give this command as that user."
LOST = (
    "Restore the last backup ('hilum restore'), or make the ledger anew from the files ('hilum rebuild'). If they are "
    "not wanted any more, move {} away."
)


def ledger_file(node: CheckedNode) -> Iterator[CheckResult]:
    """The SQLite file in the data folder; a database elsewhere is asked by `ledger`."""
    if node.settings.storage.database_url is None:
        yield from _looked_at(node)


def ledger_server(node: CheckedNode) -> Iterator[CheckResult]:
    """A database that storage.database_url names."""
    if node.settings.storage.database_url is not None:
        yield from _looked_at(node)


def _looked_at(node: CheckedNode) -> Iterator[CheckResult]:
    settings = node.settings
    is_file = settings.storage.database_url is None
    path = settings.node.data_dir / "ledger.db"
    loc = LOC if is_file else URL_LOC
    if is_file and not path.exists():
        yield _new(node, loc)
        return
    engine = open_for_reading(database_url(settings), settings.storage.postgresql.limits("command"))
    try:
        shape = shape_of(engine)
        if shape.fault:
            yield obstacle(shape.fault, shape.remedy, loc)
            return
        if shape.found is None:
            yield _new(node, loc)
            return
        size = f"{path.stat().st_size / 1e6:.1f} MB, " if is_file else f"{engine.dialect.name}, "
        then = f", brought to {shape.newest} at the next start" if shape.is_older else ""
        yield ok(f"{size}shape {shape.found}{then}")
        if node.deep and is_file:
            yield _whole(engine)
    except SQLAlchemyError as error:
        said = getattr(error, "orig", None) or type(error).__name__
        if is_file:
            remedy = CORRUPT if os.access(path, os.R_OK | os.W_OK) else NOT_OURS
            yield obstacle(f"{path} cannot be read: {said}", remedy, loc)
        else:
            yield problem(f"the database does not answer: {said}", "Start it, or mend storage.database_url.", loc)
    finally:
        engine.dispose()


def _new(node: CheckedNode, loc: Loc) -> CheckResult:
    """There is no ledger yet. Beside files of the spool it was lost, and a node that began a new one would never look
    at what was promised to senders."""
    spool = spool_dir(node.settings)
    if holds_objects(spool):
        return obstacle(f"there is no ledger, but {spool} holds images or results", LOST.format(spool), loc)
    return ok("none yet: made at the first start")


def _whole(engine: sa.Engine) -> CheckResult:
    """Every page of the file: some seconds a gigabyte."""
    with engine.connect() as connection:
        said = [str(row[0]) for row in connection.exec_driver_sql(f"PRAGMA quick_check({FAULTS_MAX})")]
    if said == ["ok"]:
        return ok("every page is whole (quick_check)")
    return problem(f"damaged: {'; '.join(said)}", CORRUPT, LOC)
