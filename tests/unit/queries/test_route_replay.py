"""What other routes would do with images that a worker has really judged, told from the ledger alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from typer.testing import CliRunner, Result

from scp_node.cli import build_app
from scp_node.ledger import tables as t
from scp_node.queries.route_replay import CHANGES, Fate, RouteReplay, replay_routes
from scp_node.settings import Settings
from scp_node.workflow.services import Services
from tests.support.dicom.phantoms import make_dx
from tests.support.ledger.ledgers import received
from tests.support.ledger.studies import judge_study, worker_services

CHEST = {"name": "chest", "model": "tiny", "to": ["pacs"]}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Three studies: a film of an adult from ER1, one of a child from WARD, and a lateral one beside a frontal one,
    of somebody without an age."""
    with worker_services(tmp_path_factory.mktemp("node")) as services:
        judge_study(services, 1, film(StationName="ER1", PatientAge="040Y", RequestedProcedurePriority="STAT"))
        judge_study(services, 2, film(StationName="WARD", PatientAge="006Y"))
        ageless = {"StationName": "WARD", "PatientAge": None, "PatientBirthDate": ""}
        judge_study(services, 3, film(**ageless), film(ViewPosition="LL", **ageless))
        yield services


def film(**attributes: Any) -> Any:
    return make_dx(**attributes)


def document(*routes: dict[str, Any], **modality: Any) -> dict[str, Any]:
    remote = {"host": "127.0.0.1", "port": 104}
    return {
        "node": {"ae_title": "HILUM"},
        "remote_aes": {
            "pacs": {"ae_title": "MODALITY", "may_send": True, **remote, **modality},
            "second": {"ae_title": "SECOND", **remote},
        },
        "routes": [*(routes or (CHEST,))],
    }


def settings(*routes: dict[str, Any], **modality: Any) -> Settings:
    return Settings.model_validate(document(*routes, **modality))


def replayed(services: Services, after: Settings, before: Settings | None = None, **options: Any) -> RouteReplay:
    with services.ledger.reading() as tx:
        return replay_routes(tx, options.pop("since", LONG_AGO), before, after, **options)


def test_the_same_routes_change_nothing(judged: Services) -> None:
    found = replayed(judged, settings(), settings())
    assert (found.images, found.studies, found.unchanged, found.unknown, found.is_cut) == (4, 3, 4, 0, False)
    assert found.changed_studies == () and {*found.changes.values()} == {0} and tuple(found.changes) == CHANGES


def test_what_became_of_images_is_what_the_present_routes_do(judged: Services) -> None:
    assert replayed(judged, settings()).changed_studies == ()
    assert replayed(judged, settings({**CHEST, "model": "tiny@1.0.0"})).changed_studies == ()


CASES: dict[str, tuple[list[dict[str, Any]], dict[str, Any], dict[str, list[str]]]] = {
    "a station": ([{**CHEST, "when": {"station_name": ["er*"]}}], {}, {"declined": ["2", "3"], "reason": ["3"]}),
    "another route": ([{**CHEST, "name": "second"}], {}, {"route": ["1", "2", "3"]}),
    "another model": ([{**CHEST, "model": "other@1.0.0"}], {}, {"model": ["1", "2", "3"]}),
    "another destination": ([{**CHEST, "to": ["second"]}], {}, {"destinations": ["1", "2", "3"]}),
    "children": (
        [{**CHEST, "when": {"patient_age": {"max_years": 17}}}],
        {},
        {"declined": ["1", "3"], "reason": ["3"]},
    ),
    "laterals too": ([{**CHEST, "when": {"view": ["PA", "AP", "LL"]}}], {}, {"taken": ["3"]}),
    "who may ask": ([{**CHEST, "priority_from_header": True}], {}, {"priority": ["1"]}),
    "a sender less": ([CHEST], {"ae_title": "ELSE"}, {"declined": ["1", "2", "3"], "reason": ["3"]}),
}


@pytest.mark.parametrize(("routes", "modality", "changes"), CASES.values(), ids=CASES)
def test_each_change_is_told_with_the_studies_that_it_is_for(
    judged: Services, routes: list[dict[str, Any]], modality: dict[str, Any], changes: dict[str, list[str]]
) -> None:
    found = replayed(judged, settings(*routes, **modality), settings())
    told = {
        name: sorted(one.study_instance_uid[-1] for one in found.changed_studies if name in one.changes)
        for name in CHANGES
    }
    assert {name: studies for name, studies in told.items() if studies} == changes
    assert found.changes == {name: len(studies) for name, studies in told.items()}
    moved = sum(move.images for study in found.changed_studies for move in study.moves)
    assert moved + found.unchanged + found.unknown == found.images == 4


def test_a_change_is_told_as_it_was_and_as_it_would_be(judged: Services) -> None:
    route = {**CHEST, "name": "er", "to": ["pacs", "second"], "priority": "stat", "when": {"station_name": ["ER?"]}}
    found = replayed(judged, settings(route), settings())
    (study,) = (one for one in found.changed_studies if one.study_instance_uid == "1.2.3.1")
    (move,) = study.moves
    assert move.before == Fate("taken", "chest", "tiny", ("pacs",), "routine")
    assert move.after == Fate("taken", "er", "tiny", ("pacs", "second"), "stat")
    assert study.changes == ("route", "destinations", "priority") and study.accession_number == "ACC1"


def test_what_became_of_images_is_compared_where_no_other_configuration_is_named(judged: Services) -> None:
    found = replayed(judged, settings({**CHEST, "name": "er", "when": {"station_name": ["ER?"]}}))
    assert found.changes["route"] == 1 and found.changes["declined"] == 2
    (move,) = found.changed_studies[-1].moves
    assert (move.before.route, move.before.model, move.after.route) == ("chest", "tiny", "er")
    assert replayed(judged, settings({**CHEST, "model": "tiny@9.9.9"})).changes["model"] == 3


def test_the_newest_studies_are_tried_and_no_more_than_asked_for(judged: Services) -> None:
    found = replayed(judged, settings({**CHEST, "name": "second"}), settings(), images_max=2)
    assert (found.images, found.is_cut) == (2, True)
    assert [one.study_instance_uid for one in found.changed_studies] == ["1.2.3.3"]
    assert replayed(judged, settings(), since=datetime.now(UTC) + timedelta(days=1)).images == 0


def test_images_of_which_no_header_is_kept_are_counted(tmp_path: Path) -> None:
    with worker_services(tmp_path) as services:
        judge_study(services, 1, film())
        with services.ledger.transaction() as tx:
            tx.instances.add(received(1, 2))
            tx.connection.execute(sa.update(t.version).values(header=None))
        found = replayed(services, settings({**CHEST, "name": "second"}), settings())
    assert (found.images, found.studies, found.unknown, found.unchanged) == (2, 2, 2, 0)


def hilum(services: Services, folder: Path, *words: str) -> Result:
    data_dir = str(Path(services.ledger.engine.url.database or "").parent)
    (folder / "node.yaml").write_text(
        yaml.safe_dump(document() | {"node": {"ae_title": "HILUM", "data_dir": data_dir}})
    )
    config = ["--config", str(folder / "node.yaml")]
    return CliRunner().invoke(build_app("rules"), ["rules", "test", *words, *config], env={"COLUMNS": "200"})


def test_the_command_tells_counts_first_then_a_line_a_study(judged: Services, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump(document({**CHEST, "when": {"station_name": ["ER*"]}})))
    result = hilum(judged, tmp_path, str(other), "--last", "3d")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0].startswith("4 images of 3 studies received since ")
    assert lines[1:4] == [
        "  2 studies would change; as before: 1 image",
        "    2 studies would be declined or turned away",
        "    1 study would be declined for another reason",
    ]
    assert lines[4].split() == ["received", "accession", "images", "before", "after", "study"]
    assert "chest to pacs: tiny" in lines[5] and "no route: declined, no-route" in lines[5] and len(lines) == 8
    assert "1 more; see --limit" in hilum(judged, tmp_path, str(other), "--limit", "1").output


def test_the_command_speaks_json(judged: Services, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump(document({**CHEST, "to": ["second"]})))
    told = json.loads(hilum(judged, tmp_path, str(other), "--json").output)
    assert told["changes"]["destinations"] == 3 and told["images"] == 4
    assert told["changed_studies"][0]["moves"][0]["after"]["to"] == ["second"]


def test_without_a_file_the_command_compares_with_what_became_of_the_images(judged: Services, tmp_path: Path) -> None:
    result = hilum(judged, tmp_path)
    assert result.exit_code == 0 and "0 studies would change; as before: 4 images" in result.output


def test_the_command_refuses_a_file_with_problems_and_a_moment_that_is_none(judged: Services, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump(document({**CHEST, "when": {"station_name": ["^ER"]}})))
    refused = hilum(judged, tmp_path, str(other))
    assert refused.exit_code != 0 and "looks like a regular expression" in str(refused.exception)
    assert "--last" in str(hilum(judged, tmp_path, "--last", "soon").exception)
