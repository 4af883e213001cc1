"""Messages that a system refuses for good and takes later, through the jobs of a worker and real listeners."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import hl7

from scp_node.deliver.destinations import Destinations
from scp_node.engine.wakeup import Waker
from scp_node.operations.acts import LogRecorder, Operator
from scp_node.operations.jobs import retry_jobs
from scp_node.queries.deliveries import DeliveryFilter, DeliveryRecord, list_deliveries
from scp_node.workflow.delivery_job import run_delivery_job
from scp_node.workflow.services import Services
from tests.support.ledger.ledgers import claimed
from tests.support.ledger.node_data import NodeFolder, films, node_folder, working
from tests.support.ledger.studies import pending
from tests.support.peers.listeners import Request, WebAnswer, hl7_listener, web_server

REFUSAL = ("AR", "ERR|||203^Unsupported version id^HL70357|E||||only 2.3 is spoken here")
QUEUES = ("deliver-ris", "deliver-worklist")


def refusing_once() -> Iterator[WebAnswer]:
    yield 422, {"Content-Type": "application/json"}, b'{"error": "no such accession number"}'
    while True:
        yield 204, {}, b""


def deliver(node: NodeFolder, services: Services) -> dict[str, DeliveryRecord]:
    """Run what waits for the systems; what became of each."""
    for queue in QUEUES:
        for job_id in pending(node.ledger, queue):
            run_delivery_job(services, claimed(node.ledger, job_id))
    with node.ledger.reading() as tx:
        return {one.destination: one for one in list_deliveries(tx, DeliveryFilter(), None)}


def test_a_dead_letter_names_the_answer_and_is_taken_once_when_it_is_sent_again(tmp_path: Path) -> None:
    answers, node = refusing_once(), node_folder(tmp_path / "node")

    def answer(_: Request) -> WebAnswer:
        return next(answers)

    with hl7_listener(script=[REFUSAL, ("AA", "")]) as ris, web_server(answer) as worklist:
        document = json.loads(node.config.read_text())
        document["systems"] = {
            "ris": {"kind": "hl7", "host": "127.0.0.1", "port": ris.port, "raise_priority": "urgent"},
            "worklist": {"kind": "webhook", "url": worklist.url("/hook"), "secret": "s" * 32},
        }
        document["routes"][0]["notify"] = ["ris", "worklist"]
        node.config.write_text(json.dumps(document))
        (ds,) = films(1)
        ds.RequestedProcedurePriority = "STAT"
        with working(node) as offline, closing(Destinations(node.settings)) as destinations:
            services = replace(offline, destinations=destinations)
            node.receive(ds)
            node.work(services)
            refused = deliver(node, services)
            assert {name: refused[name].state for name in ("ris", "worklist")} == {"ris": "dead", "worklist": "dead"}
            for said in ("AR, error 203", "it does not take HL7 v2.5.1", "only 2.3 is spoken here"):
                assert said in refused["ris"].detail, said
            for said in ("HTTP 422", "no such accession number"):
                assert said in refused["worklist"].detail, said
            with node.ledger.reading() as tx:
                dead = [job.job_id for job in tx.jobs.of_study("1.2.3.1") if job.state == "dead"]
            operator = Operator("anna", LogRecorder())
            acts = list(retry_jobs(node.ledger, Waker(tmp_path / "wakeup"), dead, operator))
            assert [act.outcome for act in acts] == ["done", "done"]
            taken = deliver(node, services)
            assert {name: taken[name].state for name in ("ris", "worklist")} == {"ris": "sent", "worklist": "sent"}
            deliver(node, services)
    node.ledger.engine.dispose()
    first, accepted = ris.received
    assert first == accepted and str(hl7.parse(accepted.decode()).segment("TQ1")[9][0][0]) == "S"
    refused_hook, hook = worklist.requests
    assert refused_hook.headers["webhook-id"] == hook.headers["webhook-id"]
    assert json.loads(hook.body)["priority"] == {"suggested": "stat", "of_order": "stat"}
