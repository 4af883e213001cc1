"""A ledger of an older release keeps every row and every value when it is brought to the newest shape."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from converter.result.findings import Region
from converter.result.place import Place
from scp_node.ledger import Ledger, database
from scp_node.ledger.database import migrate, open_database
from scp_node.ledger.outline_column import packed
from tests.support.ledger.databases import url_without_tables

# An index over an expression is not reflected, and rows do without it.
pytestmark = pytest.mark.filterwarnings("ignore:Skipped unsupported reflection:sqlalchemy.exc.SAWarning")
MIGRATIONS = str(Path(database.__file__).parent / "migrations")
REVISIONS = [one.revision for one in ScriptDirectory(MIGRATIONS).walk_revisions()][1:]
UID, MOMENT = "1.2.3", datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)
# Where a value that fits the type alone would mean nothing.
MEANT: dict[str, Any] = {
    "state": "inferred",
    "kind": "image",
    "outcome": "scored",
    "source_shape": [2000, 1500],
    "cam_shape": [1, 2, 2],
    "cam": bytes(16),
    "lungs": packed(np.full((16, 16), 0.75, np.float32)),
    "preview_to_source": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
    "instances": [UID],
    "notes": ["a note"],
    "scores": [],
    "declines": {},
    "counts": {},
    "versions": {UID: 1},
    "left_out": [],
    "concept": {"value": "233604007", "scheme": "SCT", "meaning": "Pneumonia"},
    "region": [[1.0, 2.0], [3.0, 4.0]],
    "place": {"right": ["lower"], "left": []},
    "regions": [{"outline": [[1.0, 2.0], [3.0, 4.0]], "place": None}],
    "unplaced": "",
    "full_scale": None,
}
# What went into another column; a test of its own looks at it.
MOVED = {("hilum_finding", "region"), ("hilum_finding", "place")}


def upgrade_to(engine: sa.Engine, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", MIGRATIONS)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def value_of(column: sa.Column[Any]) -> Any:
    if column.name in MEANT:
        return MEANT[column.name]
    match column.type:
        case sa.DateTime():
            return MOMENT.replace(tzinfo=None)
        case sa.Date():
            return MOMENT.date()
        case sa.Boolean():
            return True
        case sa.Integer() | sa.Float():
            return 1
        case sa.LargeBinary():
            return UID.encode()
        case _:
            return UID


def rows_of(engine: sa.Engine, tables: dict[str, list[str]]) -> dict[str, list[tuple[Any, ...]]]:
    with engine.connect() as connection:
        return {
            table: [tuple(row) for row in connection.exec_driver_sql(f"SELECT {', '.join(names)} FROM {table}")]
            for table, names in tables.items()
        }


@pytest.fixture(params=REVISIONS)
def older(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> Iterator[sa.Engine]:
    """A ledger in the shape of one release, with a row in each of its tables."""
    engine = open_database(url_without_tables(tmp_path))
    upgrade_to(engine, request.param)
    shape = sa.MetaData()
    with warnings.catch_warnings():  # no value of a row is in an index
        warnings.filterwarnings("ignore", ".*expression-based index", sa.exc.SAWarning)
        shape.reflect(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "PRAGMA defer_foreign_keys=ON" if database == "sqlite" else "SET CONSTRAINTS ALL DEFERRED"
        )
        for table in shape.sorted_tables:
            if table.name != "hilum_alembic_version":
                connection.execute(sa.insert(table).values({column.name: value_of(column) for column in table.columns}))
    yield engine
    engine.dispose()


def test_every_row_and_value_is_there_after_the_upgrade(older: sa.Engine) -> None:
    inspector = sa.inspect(older)
    tables = {
        name: [column["name"] for column in inspector.get_columns(name) if (name, column["name"]) not in MOVED]
        for name in inspector.get_table_names()
        if name != "hilum_alembic_version"
    }
    before = rows_of(older, tables)
    assert len(before) > 8 and all(len(rows) == 1 for rows in before.values())
    migrate(older)
    assert rows_of(older, tables) == before
    if older.dialect.name != "sqlite":  # which checks them itself
        return
    with older.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("older", [one for one in REVISIONS if one < "0004"], indirect=True)
def test_what_was_judged_and_reported_before_reads_as_a_first_version(older: sa.Engine) -> None:
    migrate(older)
    with Ledger(older).reading() as tx:
        instance = tx.instances.get(UID)
        assert (instance.version, instance.judged_version, instance.state) == (1, 1, "inferred")
        (report,) = tx.reports.of_study(UID)
        assert (report.version_of(UID), report.left_out, report.abandoned_at) == (1, [], None)
        (result,) = tx.results.of_report(report.id)
        assert result.source_version == 1
        (job,) = tx.jobs.of_study(UID)
        assert job.postponed == 0
        assert tx.versions.of_instance(UID) == [] and tx.callers.all() == []
        analysis = tx.instances.analysis(UID)
        assert analysis is not None and analysis.findings[0].concept.meaning == "Pneumonia"
        assert (analysis.lungs, analysis.findings[0].place) == (None, None)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_region_and_its_place_are_the_one_region_of_their_finding(older: sa.Engine) -> None:
    had_place = "place" in {column["name"] for column in sa.inspect(older).get_columns("hilum_finding")}
    migrate(older)
    with Ledger(older).reading() as tx:
        analysis = tx.instances.analysis(UID)
    assert analysis is not None
    (found,) = analysis.findings
    place = Place(right=("lower",)) if had_place else None
    assert found.regions == (Region(((1.0, 2.0), (3.0, 4.0)), place),)
    assert (found.unplaced, found.full_scale) == ("", None)


def test_the_table_of_hosts_has_a_way_back(database: str, tmp_path: Path) -> None:
    engine = open_database(url_without_tables(tmp_path))
    upgrade_to(engine, "0012")
    before = set(sa.inspect(engine).get_table_names())
    upgrade_to(engine, "0013")
    assert set(sa.inspect(engine).get_table_names()) - before == {"hilum_host"}
    config = Config()
    config.set_main_option("script_location", MIGRATIONS)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0012")
    assert set(sa.inspect(engine).get_table_names()) == before
    engine.dispose()
