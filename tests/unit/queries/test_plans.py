"""A list of studies begins with the newest one and stops where it is long enough; nothing is read whole for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scp_node.ledger import Ledger, Transaction
from scp_node.queries.caller_story import last_arrival
from scp_node.queries.deliveries import DeliveryFilter, list_deliveries
from scp_node.queries.films import film_source, found_places, outlined_images
from scp_node.queries.gate_refusals import gate_refusals
from scp_node.queries.jobs import JobFilter, causes_of, job_ids, list_jobs
from scp_node.queries.patients import PatientFilter, studies_of_patient
from scp_node.queries.route_replay import replay_routes
from scp_node.queries.studies import StudyFilter, StudyKey, list_studies, page_of_studies
from scp_node.queries.study_story import studies_named
from scp_node.settings import Settings
from tests.unit.ledger.test_plans import plan_of
from tests.unit.queries.cases import fill

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PACS = {"ae_title": "PACS", "host": "127.0.0.1", "port": 104, "may_send": True}
SETTINGS = Settings.model_validate(
    {
        "node": {"ae_title": "HILUM"},
        "remote_aes": {"pacs": PACS},
        "routes": [{"name": "chest", "model": "tiny", "to": ["pacs"]}],
    }
)
# The index of what is positive is read whole: it holds nothing else. What a limit has cut is read whole, too.
SMALL = ("ix_hilum_study_first_received_at", "ix_hilum_finding_positive", "anon_", "SCAN newest")
ASKED: dict[str, Callable[[Transaction], Any]] = {
    "newest studies": lambda tx: list_studies(tx, StudyFilter(), 50),
    "studies of a time": lambda tx: list_studies(tx, StudyFilter(received_from=NOW, received_before=NOW), 50),
    "declined studies": lambda tx: list_studies(tx, StudyFilter(declined=True), 50),
    "a page of declined studies": lambda tx: page_of_studies(tx, StudyFilter(declined=True), 50),
    "positive studies": lambda tx: list_studies(tx, StudyFilter(positive=True), 50),
    "studies with dead jobs": lambda tx: list_studies(tx, StudyFilter(dead=True), 50),
    "a study by its number": lambda tx: list_studies(tx, StudyFilter(accession_numbers=("A1",)), 50),
    "the next page": lambda tx: list_studies(tx, StudyFilter(), 50, StudyKey(NOW, "1.2")),
    "studies by their UID": lambda tx: list_studies(tx, StudyFilter(study_instance_uids=("1.2",)), 50),
    "a patient by ID": lambda tx: studies_of_patient(tx, PatientFilter(id="1")),
    "a patient by name": lambda tx: studies_of_patient(tx, PatientFilter(name="Müller, Hans")),
    "the film of an image": lambda tx: film_source(tx, "1.2.3.1", "1.2.3.1.1"),
    "lungs of a study": lambda tx: outlined_images(tx, "1.2.3.1"),
    "maps of a study": lambda tx: found_places(tx, "1.2.3.1"),
    "what a number names": lambda tx: studies_named(tx, "12345", 50),
    "images to try routes on": lambda tx: replay_routes(tx, NOW, None, SETTINGS),
    "what a gate refused": lambda tx: gate_refusals(tx, "pneumonia@2.0.0"),
    "the last arrival": last_arrival,
    "jobs": lambda tx: list_jobs(tx, JobFilter(), 50),
    "jobs of a destination": lambda tx: job_ids(tx, JobFilter(destination="pacs"), 50),
    "jobs of a study": lambda tx: list_jobs(tx, JobFilter(study_instance_uid="1.2"), 50),
    "causes": lambda tx: causes_of(tx, JobFilter(), 50),
    "deliveries": lambda tx: list_deliveries(tx, DeliveryFilter(), 50),
    "deliveries of results": lambda tx: list_deliveries(tx, DeliveryFilter(result_uids=("1.2.9.1", "1.2.9.2")), None),
    "deliveries of a study": lambda tx: list_deliveries(tx, DeliveryFilter(study_instance_uid="1.2"), 50),
}


@pytest.mark.parametrize("asked", ASKED)
def test_no_table_is_read_whole_for_a_list(asked: str, tmp_path: Path) -> None:
    def ask(ledger: Ledger, tx: Transaction) -> None:
        ASKED[asked](tx)

    fill(tmp_path)
    plans = plan_of(tmp_path, ask)
    assert plans, "nothing was asked"
    whole = [line for line in plans if line.startswith("SCAN") and not any(name in line for name in SMALL)]
    assert [line for line in whole if line != "SCAN hilum_delivery"] == []  # newest first by its id, up to the limit
