"""A node tells other systems of its reports: what those of other makers get, and what becomes of one that is away."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import hl7
from fhir.resources.R4B.bundle import Bundle
from pydicom import Dataset
from standardwebhooks import Webhook

from scp_node.deliver.result_objects import RESULT_CLASSES
from tests.support.dicom.phantoms import make_dx
from tests.support.node.node import RunningNode, running_node
from tests.support.peers.archives import scripted_archive
from tests.support.peers.listeners import Request, WebAnswer, hanging, hl7_listener, scripted_listener, web_server
from tests.support.peers.modality import store
from tests.support.peers.ports import free_port
from tests.support.waiting import until

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NAME = "Musterfrau^Jörg|&^\\Test"


def hilum(node: RunningNode, *words: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "scp_node.cli", *words, "--config", str(node.config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


def deliveries(node: RunningNode) -> list[dict[str, object]]:
    return [json.loads(line) for line in hilum(node, "deliveries", "--json")[1].splitlines()]


def states(node: RunningNode) -> dict[str, object]:
    """By destination; those of the archive as one."""
    return {str(one["destination"]): one["state"] for one in deliveries(node)}


def taken(request: Request) -> WebAnswer:
    """A FHIR server that takes every transaction, and a webhook that takes every message."""
    if request.path == "/fhir/metadata":
        statement = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}
        return 200, {"Content-Type": "application/fhir+json"}, json.dumps(statement).encode()
    if request.path != "/fhir":
        return 204, {}, b""
    entries = [{"response": {"status": "201 Created"}} for _ in json.loads(request.body)["entry"]]
    found = {"resourceType": "Bundle", "type": "transaction-response", "entry": entries}
    return 200, {"Content-Type": "application/fhir+json"}, json.dumps(found).encode()


def given_up(seen: dict[str, object]) -> bool:
    return seen.get("ris") == "dead"


def all_sent(seen: dict[str, object]) -> bool:
    return set(seen.values()) == {"sent"} and len(seen) == 4


def a_film(seed: int) -> Dataset:
    ds = make_dx(seed=seed)
    ds.SpecificCharacterSet, ds.PatientName, ds.AccessionNumber = "ISO_IR 192", NAME, f"ACC{seed}"
    return ds


def test_three_systems_are_told_and_nothing_of_the_patient_is_in_the_log(tmp_path: Path) -> None:
    with hl7_listener() as ris, web_server(taken) as web, scripted_archive(classes=tuple(RESULT_CLASSES)) as archive:
        systems = {
            "ris": {"kind": "hl7", "host": "127.0.0.1", "port": ris.port, "receiving_application": "RIS"},
            "records": {"kind": "fhir", "url": web.url("/fhir"), "token": "abc.def"},
            "worklist": {"kind": "webhook", "url": web.url("/hook"), "secret": SECRET},
        }
        route = {"name": "chest", "model": "pneumonia", "to": ["pacs"], "notify": list(systems)}
        with running_node(
            tmp_path / "node", {"pacs": ("ARCHIVE", archive.port)}, systems=systems, routes=[route]
        ) as node:
            ds = a_film(1)
            assert store(node.port, [ds]) == [0x0000]
            until(lambda: states(node), "every delivery", timeout_s=120, enough=all_sent)
            code, story = hilum(node, "explain", "ACC1")
            assert code == 0 and "3 messages to ris, records, worklist" in story
            assert "ris: sent" in story
            code, told = hilum(node, "echo", "ris", "records", "worklist")
            assert code == 0, told
            assert "FHIR 4.0.1" in told and "ping" in told
            log = node.log()
    (message,) = ris.received
    found = hl7.parse(message.decode())
    assert found.unescape(str(found.segment("PID")[5][0][1])) == "Jörg|&"
    assert str(found.segment("OBR")[18]) == "ACC1"
    posted = {one.path: one for one in web.requests if one.method == "POST" and b"ping" not in one.body}
    Bundle.model_validate_json(posted["/fhir"].body)
    report = json.loads(posted["/fhir"].body)["entry"][0]["resource"]
    assert report["subject"]["identifier"]["value"] == str(ds.PatientID)
    assert posted["/fhir"].headers["authorization"] == "Bearer abc.def"
    hook = Webhook(SECRET).verify(posted["/hook"].body.decode(), posted["/hook"].headers)
    assert hook["study"]["accession_number"] == "ACC1" and hook["patient"]["names"][0]["family"] == "Musterfrau"
    for secret in ("Musterfrau", "Jörg", str(ds.PatientID), "abc.def", SECRET):
        assert secret not in log


def test_a_system_that_is_away_becomes_a_dead_letter_that_one_command_delivers(tmp_path: Path) -> None:
    port = free_port()
    systems = {"ris": {"kind": "hl7", "host": "127.0.0.1", "port": port}}
    with scripted_archive(classes=tuple(RESULT_CLASSES)) as archive:
        route = {"name": "chest", "model": "pneumonia", "to": ["pacs"], "notify": ["ris"]}
        patience = {"retry_first_s": 0.2, "retry_max_s": 0.5, "give_up_after_h": 0.001, "response_timeout_s": 0.5}
        with running_node(
            tmp_path / "node",
            {"pacs": ("ARCHIVE", archive.port)},
            systems=systems,
            routes=[route],
            delivery=patience,
        ) as node:
            with scripted_listener(hanging(5), port=port) as silent:
                assert store(node.port, [a_film(2)]) == [0x0000]
                until(
                    lambda: states(node), "a dead letter", timeout_s=120, enough=lambda seen: seen.get("ris") == "dead"
                )
                assert states(node)["pacs"] == "sent"
                (dead,) = [one for one in deliveries(node) if one["destination"] == "ris"]
                assert int(str(dead["attempts"])) == len(silent.received) >= 2
                assert "did not answer in time" in str(dead["detail"])
                code, told = hilum(node, "jobs", "list", "--state", "dead")
                assert code == 0 and "ris" in told
            with hl7_listener(port=port) as ris:
                code, told = hilum(node, "jobs", "retry", "--to", "ris")
                assert code == 0 and "tried again now" in told
                until(lambda: states(node), "delivered", timeout_s=60, enough=lambda seen: seen.get("ris") == "sent")
                assert len(ris.received) == 1
