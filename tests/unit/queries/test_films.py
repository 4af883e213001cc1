"""What a film and its map are drawn from is found by study and image, and by nothing else."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from scp_node.errors import NothingFound, Removed
from scp_node.ledger import Ledger
from scp_node.ledger import tables as t
from scp_node.ledger.database import open_database
from scp_node.ledger.outline_column import unpacked
from scp_node.queries.films import film_source, found_places, lungs_source, map_source, outlined_images
from scp_node.queries.result_files import report_files, result_file
from tests.support.ledger.ledgers import received
from tests.unit.queries.cases import NOON, PLACE, REGIONS

STUDY, IMAGE = "1.2.3.1", "1.2.3.1.1"


def test_a_film_is_the_file_of_its_image(ledger: Ledger) -> None:
    with ledger.reading() as tx:
        assert film_source(tx, STUDY, IMAGE).spool_name == received(1, 1).spool_name


def test_the_map_of_a_finding_is_its_part_of_the_analysis(ledger: Ledger) -> None:
    with ledger.reading() as tx:
        dark = map_source(tx, STUDY, IMAGE, "dark")
        assert (dark.rows, dark.columns, len(dark.cam)) == (8, 8, 4 * 8 * 8)
        places = found_places(tx, STUDY)
    assert [(one.name, one.meaning, one.positive, one.outlines, one.place) for one in places[IMAGE]] == [
        ("bright", "Bright", True, (REGIONS[0].outline,), PLACE),
        ("dark", "Dark", False, (), None),
    ]


def test_the_outline_of_the_lungs_is_there_where_there_are_lungs(ledger: Ledger) -> None:
    with ledger.reading() as tx:
        assert outlined_images(tx, STUDY) == {IMAGE}
        source = lungs_source(tx, STUDY, IMAGE)
        assert source.spool_name == received(1, 1).spool_name and unpacked(source.lungs).shape == (16, 16)
        for study, image in ((STUDY, "1.2.3.1.2"), ("1.2.3.2", IMAGE)):
            with pytest.raises(NothingFound):
                lungs_source(tx, study, image)
        assert outlined_images(tx, "9.9") == frozenset()


@pytest.mark.parametrize(("study", "image"), [("1.2.3.2", IMAGE), (STUDY, "1.2.3.9"), ("", "")])
def test_an_image_is_shown_in_its_own_study_only(ledger: Ledger, study: str, image: str) -> None:
    with ledger.reading() as tx, pytest.raises(NothingFound):
        film_source(tx, study, image)


@pytest.mark.parametrize(("image", "finding"), [(IMAGE, "none"), ("1.2.3.1.2", "bright")])
def test_there_is_no_map_where_nothing_was_found(ledger: Ledger, image: str, finding: str) -> None:
    with ledger.reading() as tx, pytest.raises(NothingFound):
        map_source(tx, STUDY, image, finding)


def test_a_film_whose_file_was_removed_says_so(ledger: Ledger) -> None:
    engine = open_database(str(ledger.engine.url))
    with Ledger(engine).transaction() as tx:
        values = {"removed_at": NOON, "removed_because": "age"}
        tx.connection.execute(sa.update(t.instance).where(t.instance.c.sop_instance_uid == IMAGE).values(**values))
    engine.dispose()
    with ledger.reading() as tx, pytest.raises(Removed, match="removed by retention on 2026-03-01"):
        film_source(tx, STUDY, IMAGE)


def test_a_result_is_read_in_its_own_study_only(ledger: Ledger) -> None:
    with ledger.reading() as tx:
        assert result_file(tx, STUDY, "1.2.9.1", "sr") == "aa"
        for study, uid, *kinds in (("1.2.3.2", "1.2.9.1", "sr"), (STUDY, "1.2.9.2", "sr"), (STUDY, "9")):
            with pytest.raises(NothingFound):
                result_file(tx, study, uid, *kinds)


def test_a_report_comes_with_the_films_and_heat_maps_that_are_still_there(ledger: Ledger) -> None:
    with ledger.reading() as tx:
        found = report_files(tx, STUDY, "1.2.9.1", "sr", "pdf")
        assert (found.kind, found.spool_name, IMAGE in found.films) == ("sr", "aa", True)
        with pytest.raises(NothingFound):
            report_files(tx, STUDY, "1.2.9.1", "pdf")
    engine = open_database(str(ledger.engine.url))
    with Ledger(engine).transaction() as tx:
        values = {"removed_at": NOON, "removed_because": "age"}
        tx.connection.execute(sa.update(t.instance).where(t.instance.c.sop_instance_uid == IMAGE).values(**values))
    engine.dispose()
    with ledger.reading() as tx:
        assert IMAGE not in report_files(tx, STUDY, "1.2.9.1").films
