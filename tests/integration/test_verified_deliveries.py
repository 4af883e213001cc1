"""Results are proven by query in archives of other makers, and what an archive lost is sent there again."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scp_node.workflow.commitment_book import LISTED
from tests.support.dicom.phantoms import make_dx
from tests.support.node.node import RunningNode
from tests.support.peers.modality import store_until_stored
from tests.support.peers.orthanc import Orthanc
from tests.support.peers.program import running
from tests.support.waiting import until

pytestmark = pytest.mark.peer("Orthanc")
PROVEN = ("committed", f"pacs {LISTED}")


def queried(folder: Path) -> Orthanc:
    """Whom Orthanc does not know may not ask it."""
    known = {"hilum": {"AET": "HILUM", "Host": "127.0.0.1", "Port": 104, "AllowFind": True}}
    return Orthanc(folder / "orthanc", DicomModalities=known)


@contextmanager
def verified(folder: Path, archive: Orthanc, **delivery: float) -> Iterator[RunningNode]:
    """A node that asks this archive by query for each result."""
    pacs = {"ae_title": "ORTHANC", "host": "127.0.0.1", "port": archive.dicom_port, "verify_by_query": True}
    archives = {"pacs": ("ORTHANC", archive.dicom_port)}
    with running(RunningNode(folder, archives, remote_aes={"pacs": pacs}, delivery=delivery)) as node:
        yield node


def test_orthanc_lists_what_it_was_sent(tmp_path: Path) -> None:
    film = make_dx(rows=256, columns=220)
    with (
        running(queried(tmp_path)) as orthanc,
        verified(tmp_path / "node", orthanc, query_wait_s=0.5) as node,
    ):
        store_until_stored(node.port, [film])
        until(
            lambda: node.deliveries(str(film.StudyInstanceUID)),
            lambda: node.log()[-4000:],
            90,
            enough=[PROVEN, PROVEN].__eq__,
            pause_s=0.1,
        )


def test_what_orthanc_has_lost_is_sent_again_and_then_proven(tmp_path: Path) -> None:
    film = make_dx(rows=256, columns=220)
    study = str(film.StudyInstanceUID)
    waits = {"query_wait_s": 2, "queries_max": 1, "uncommitted_retry_s": 0.5}
    with running(queried(tmp_path)) as orthanc, verified(tmp_path / "node", orthanc, **waits) as node:
        store_until_stored(node.port, [film])
        for instance in orthanc.wait_for_instances(2):
            request = urllib.request.Request(
                f"http://127.0.0.1:{orthanc.http_port}/instances/{instance}", method="DELETE"
            )
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30).close()
        until(lambda: node.log().count("delivery not committed") == 2, lambda: node.log()[-4000:], 60)
        until(
            lambda: node.deliveries(study), lambda: node.log()[-4000:], 90, enough=[PROVEN, PROVEN].__eq__, pause_s=0.1
        )
        assert len(orthanc.instances()) == 2
