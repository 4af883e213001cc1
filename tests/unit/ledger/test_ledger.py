"""The ledger keeps what it was told, once, and hands it out unchanged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from converter.package.concept import Concept
from converter.result.findings import Finding, Region
from converter.result.place import Place
from scp_node.errors import ConfigurationError
from scp_node.ledger import Analysis, Ledger, NewResult
from scp_node.ledger.database import migrate, open_database
from scp_node.ledger.tables import metadata
from tests.support.ledger.ledgers import received
from tests.support.results.reports import placed

REGIONS = (Region(((1.0, 2.0), (3.0, 4.0), (1.0, 4.0), (1.0, 2.0)), Place(right=("lower",))), Region(((5.0, 6.0),) * 4))
PNEUMONIA = Concept(value="233604007", scheme="SCT", meaning="Pneumonia")


def analysis(probability: float = 0.9) -> Analysis:
    return Analysis(
        cam=np.arange(16, dtype=np.float32).reshape(1, 4, 4),
        preview_to_source=np.array([[2.0, 0, 0.5], [0, 2.0, 0.5]]),
        source_shape=(2000, 1500),
        provider="CPUExecutionProvider",
        findings=(Finding("pneumonia", PNEUMONIA, probability, 0.5, probability >= 0.5, REGIONS),),
    )


@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_migrations_end_in_the_tables_the_code_uses(ledger: Ledger) -> None:
    with ledger.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "hilum_alembic_version"})
        assert compare_metadata(context, metadata) == []


def test_migrating_twice_changes_nothing(ledger: Ledger) -> None:
    migrate(ledger.engine)
    assert "hilum_instance" in sa.inspect(ledger.engine).get_table_names()


def test_a_database_without_its_driver_is_a_matter_of_installation() -> None:
    with pytest.raises(ConfigurationError, match=r"install hilum\[postgresql\]"):
        open_database("postgresql+pg8000://127.0.0.1/hilum")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_commit_is_synchronous_and_the_log_is_ahead(ledger: Ledger) -> None:
    with ledger.reading() as tx:
        assert tx.connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert tx.connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_an_instance_is_added_once_and_a_repeat_is_told_from_other_bytes(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        assert tx.instances.add(received()) == "added"
        assert tx.instances.add(received()) == "identical"
        assert tx.instances.add(received(digest="f" * 32)) == "changed"
        assert tx.instances.get("1.2.3.1.1").digest == received().digest


def test_what_is_raised_inside_a_transaction_leaves_nothing_behind(ledger: Ledger) -> None:
    with pytest.raises(RuntimeError), ledger.transaction() as tx:
        tx.instances.add(received())
        raise RuntimeError
    with ledger.reading() as tx:
        assert tx.instances.of_study("1.2.3.1") == []


def test_an_analysis_comes_back_as_it_went_in(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.instances.add(received())
        assert tx.instances.finish(
            "1.2.3.1.1", "inferred", route="chest", model="m@1.0.0", reportable=True, analysis=analysis()
        )
        kept = tx.instances.analysis("1.2.3.1.1")
    assert kept is not None and kept.findings == analysis().findings
    assert np.array_equal(kept.cam, analysis().cam) and np.array_equal(
        kept.preview_to_source, analysis().preview_to_source
    )
    assert kept.source_shape == (2000, 1500)
    assert kept.lungs is None


def test_the_lungs_of_an_analysis_and_the_places_in_them_come_back(ledger: Ledger) -> None:
    place, lungs = Place(right=("middle", "lower")), np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    found = replace(analysis(), lungs=lungs, findings=(placed(analysis().findings[0], place),))
    with ledger.transaction() as tx:
        tx.instances.add(received())
        tx.instances.finish("1.2.3.1.1", "inferred", route="chest", model="m", reportable=True, analysis=found)
        kept = tx.instances.analysis("1.2.3.1.1")
        size = tx.connection.execute(sa.text("SELECT length(lungs) FROM hilum_analysis")).scalar_one()
    assert kept is not None and kept.lungs is not None and kept.findings[0].place == place
    assert np.abs(kept.lungs - lungs).max() <= 0.5 / 255 and np.array_equal(kept.lungs > 0.5, lungs > 0.5)
    assert size < 64 * 64, "a byte a cell, packed"


def test_the_second_run_of_a_job_does_not_overwrite_the_first_outcome(ledger: Ledger) -> None:
    outcome: dict[str, Any] = {"route": "chest", "model": "m@1.0.0", "reportable": True}
    with ledger.transaction() as tx:
        tx.instances.add(received())
        assert tx.instances.finish("1.2.3.1.1", "inferred", **outcome, analysis=analysis(0.9))
        assert not tx.instances.finish("1.2.3.1.1", "inferred", **outcome, analysis=analysis(0.1))
        kept = tx.instances.analysis("1.2.3.1.1")
    assert kept is not None and kept.findings[0].probability == 0.9


def test_a_report_keeps_its_moment_and_revision_however_often_its_job_runs(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.instances.add(received())
        first = tx.reports.open("1.2.3.1", "chest", "job-1", "m@1.0.0", ["1.2.3.1.1"])
        assert tx.reports.open("1.2.3.1", "chest", "job-1", "m@1.0.0", []) == first
        second = tx.reports.open("1.2.3.1", "chest", "job-2", "m@1.0.0", ["1.2.3.1.1"])
    assert (first.revision, second.revision) == (1, 2)


def test_closing_a_report_makes_one_delivery_per_result_and_destination(ledger: Ledger) -> None:
    results = [
        NewResult(f"2.25.{n}", "1.2.840.10008.5.1.4.1.1.7", "2.25.9", "heatmap", f"r{n}", 10, "0") for n in (1, 2)
    ]
    with ledger.transaction() as tx:
        tx.instances.add(received())
        tx.instances.finish("1.2.3.1.1", "inferred", route="chest", model="m", reportable=True, analysis=analysis())
        assert tx.instances.routes_to_report() == [("1.2.3.1", "chest")]
        report = tx.reports.open("1.2.3.1", "chest", "job-1", "m", ["1.2.3.1.1"])
        deliveries = tx.reports.close(report, results, ["pacs", "backup"])
        again = tx.reports.close(report, results, ["pacs", "backup"])
        assert tx.instances.get("1.2.3.1.1").state == "reported"
        assert tx.instances.routes_to_report() == []
    assert len(deliveries) == 4 and deliveries == again


def test_a_study_is_found_by_accession_number_image_and_result(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.instances.add(received())
        report = tx.reports.open("1.2.3.1", "chest", "job-1", "m", ["1.2.3.1.1"])
        tx.results.add(report.id, NewResult("2.25.1", "c", "s", "sr", "r", 1, "0"))
        for key in ("ACC1", "1.2.3.1", "1.2.3.1.1", "1.2.3.1.0", "2.25.1"):
            assert tx.studies.matching(key) == ["1.2.3.1"]
        assert tx.studies.matching("nobody") == []


def test_what_an_archive_takes_is_remembered(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        assert tx.sop_classes.accepted("pacs", "1.2") is None
        tx.sop_classes.set_accepted("pacs", "1.2", accepted=False)
        assert tx.sop_classes.accepted("pacs", "1.2") is False
        tx.sop_classes.set_accepted("pacs", "1.2", accepted=True)
        assert tx.sop_classes.accepted("pacs", "1.2") is True
