"""The main job with the ledger in PostgreSQL: the same tests, and what `hilum` says of such a ledger."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.test_end_to_end import (  # noqa: F401  pytest finds them here too
    archive,
    test_a_corrected_patient_gets_results_of_its_own_that_name_what_they_replace,
    test_a_radiograph_gets_its_report_and_heat_map_in_its_own_study,
    test_the_same_object_again_makes_nothing_new,
)
from tests.support.node.command import Hilum
from tests.support.node.node import RunningNode, running_node
from tests.support.peers.orthanc import Orthanc
from tests.support.peers.postgresql import Postgresql, start_postgresql

pytestmark = pytest.mark.peer("Orthanc")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgresql]:
    """One of its own: a node has the whole database."""
    one = start_postgresql()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def node(server: Postgresql, archive: Orthanc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:  # noqa: F811  that one
    storage = {"database_url": server.url()}
    archives = {"pacs": ("ORTHANC", archive.dicom_port)}
    with running_node(tmp_path_factory.mktemp("node"), archives, storage=storage) as one:
        yield one


def test_commands_read_and_change_it(node: RunningNode, hilum: Hilum) -> None:
    assert hilum("check-config", node.config).code == 0
    assert not (node.data_dir / "ledger.db").exists()
    doctor = hilum("doctor", "--config", node.config)
    assert "postgresql, shape 0" in doctor.out
    listed = hilum("studies", "--config", node.config)
    assert listed.code == 0
    assert hilum("jobs", "retry", "no-such-job", "--config", node.config).code == 4
