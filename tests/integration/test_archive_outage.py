"""An archive that is away: two commands say why a study has no result, and one sends all when it is back."""

from __future__ import annotations

import json
import time
from pathlib import Path

from scp_node.deliver.result_objects import RESULT_CLASSES
from tests.support.dicom.phantoms import make_dx
from tests.support.node.node import RunningNode, running_node
from tests.support.peers.archives import scripted_archive
from tests.support.peers.modality import store
from tests.support.peers.ports import free_port
from tests.support.waiting import until

STUDIES = 3


def jobs(node: RunningNode, *words: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in node.hilum("jobs", "list", "--json", "--to", "pacs", *words)[1].splitlines()]


def test_an_outage_is_found_with_two_commands_and_ended_with_one(tmp_path: Path) -> None:
    port = free_port()
    patience = {"retry_first_s": 600, "retry_max_s": 600}  # by itself nothing is sent in time
    with running_node(tmp_path / "node", {"pacs": ("ARCHIVE", port)}, delivery=patience) as node:
        films = [make_dx(seed=seed) for seed in range(50, 50 + STUDIES)]
        for number, ds in enumerate(films):
            ds.AccessionNumber = f"A{number}"
        assert store(node.port, films) == [0x0000] * STUDIES
        tried = until(
            lambda: jobs(node, "--state", "waiting"),
            "failed deliveries",
            timeout_s=180,
            enough=lambda one: len(one) == 6,
        )

        code, listed = node.hilum("studies", "--since", "today", "--accession", "A1")
        assert code == 0 and "2 waiting" in listed and films[1].StudyInstanceUID in listed
        code, told = node.hilum("explain", "A1")
        assert code == 0 and "to pacs: failed after 1 attempt, next at " in told
        assert "nothing listens on that port" in told

        assert {str(one["error"]).partition(": ")[2] for one in tried} == {
            "nothing listens on that port; is it running, are host and port right?"
        }
        code, causes = node.hilum("jobs", "list", "--by-cause")
        assert code == 0 and causes.startswith("6 deliveries to pacs wait: pacs (") and len(causes.splitlines()) == 1

        with scripted_archive(classes=tuple(RESULT_CLASSES), port=port) as archive:
            code, told = node.hilum("jobs", "retry", "--to", "pacs")
            assert code == 0 and told.count("tried again now") == 6
            until(lambda: archive.received, "all results", timeout_s=60, enough=lambda found: len(found) == 6)
            until(lambda: jobs(node), "nothing waits any more", timeout_s=30, enough=lambda left: left == [])
        code, told = node.hilum("jobs", "retry", "--to", "pacs")
        assert (code, told) == (0, "Nothing to retry: there is no such job.\n")
        assert node.hilum("deliveries", "--state", "sent", "--json")[1].count("\n") == 6


def test_one_delivery_at_a_time_looks_whether_it_is_back_and_the_oldest_goes_first(tmp_path: Path) -> None:
    port, studies = free_port(), 12
    quick = {"retry_first_s": 0.5, "retry_max_s": 2, "retry_jitter": 0}
    with running_node(
        tmp_path / "node", {"pacs": ("ARCHIVE", port)}, delivery=quick, workers={"deliveries": 1}
    ) as node:
        films = [make_dx(seed=seed, rows=256, columns=220) for seed in range(70, 70 + studies)]
        for film in films:
            assert store(node.port, [film]) == [0x0000]
        until(lambda: len(jobs(node)) == 2 * studies, "all deliveries wait", timeout_s=120)
        began, failed = time.monotonic(), node.log().count("delivery failed")
        time.sleep(6)
        tried, waited_s = node.log().count("delivery failed") - failed, time.monotonic() - began
        assert 1 <= tried <= 2 + waited_s / 0.5, "not each of them for itself"
        ledger = node.ledger()
        with ledger.reading() as tx:
            waiting = tx.jobs.pending("deliver-pacs", 100)
            entered = {tx.deliveries.get(int(job.subject)).result_uid: job.created_at for job in waiting}
        ledger.engine.dispose()
        with scripted_archive(classes=tuple(RESULT_CLASSES), port=port) as archive:
            until(lambda: len(archive.received) == 2 * studies, lambda: node.log()[-3000:], timeout_s=60)
        moments = [entered[uid] for uid in list(archive.received)[1:]]  # the first one has found out that it is back
        assert moments == sorted(moments)
        assert "destination is back" in node.log()
