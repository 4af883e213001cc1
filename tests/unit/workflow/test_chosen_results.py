"""A study under `results: auto`: built and delivered by what each destination has said, told in its story, and the same
bytes when the analysis runs again."""

from __future__ import annotations

from pathlib import Path

import pytest

from converter.result.kinds.table import RESULT_KINDS
from scp_node.ledger import ResultRow
from scp_node.monitoring.reproduce import ReproductionSource, overall, reproduce
from scp_node.settings import Settings
from scp_node.workflow.services import Services
from tests.support.dicom.phantoms import make_dx
from tests.support.ledger.studies import SETTINGS, report_study, worker_services

EVERY = {uid for kind in RESULT_KINDS.values() for uid in kind.sop_classes}
STUDY = "1.2.3.1"


def of_route(monkeypatch: pytest.MonkeyPatch, results: list[str], to: list[str] | None = None) -> Settings:
    route = SETTINGS.routes[0].model_copy(update={"results": results, "to": to or ["pacs"]})
    remotes = {**SETTINGS.remote_aes, "old": SETTINGS.remote_aes["pacs"]}
    settings = SETTINGS.model_copy(update={"routes": [route], "remote_aes": remotes})
    monkeypatch.setattr("tests.support.ledger.studies.SETTINGS", settings)
    return settings


def says(services: Services, name: str, classes: dict[str, bool]) -> None:
    with services.ledger.transaction() as tx:
        for uid, accepted in classes.items():
            tx.sop_classes.set_accepted(name, uid, accepted=accepted)


def kinds(results: list[ResultRow]) -> set[str]:
    return {one.kind for one in results}


def test_each_destination_is_sent_what_it_takes_and_the_story_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_route(monkeypatch, ["auto"], ["pacs", "old"])
    with worker_services(tmp_path) as services:
        says(services, "pacs", dict.fromkeys(EVERY, True))
        says(services, "old", dict.fromkeys(RESULT_KINDS["sr"].sop_classes, False))
        results = report_study(services, 1, make_dx(WindowCenter=900))
        with services.ledger.reading() as tx:
            told = {event.step: event.outcome for event in tx.events.of_study(STUDY)}
            sent = {
                one.kind: {delivery.destination for delivery in tx.deliveries.of_result(one.sop_instance_uid)}
                for one in results
            }
    assert kinds(results) == {"sr", "heatmap", "gsps", "kos", "text_sr"}
    assert sent["text_sr"] == {"old"} and sent["heatmap"] == {"pacs", "old"}
    assert sent["sr"] == sent["gsps"] == sent["kos"] == {"pacs"}
    assert told["choose_results"].startswith("auto: pacs gets sr, heatmap, status, gsps, kos; auto: old gets heatmap")
    assert told["build_presentation_states"] == "1 presentation state"


def test_every_kind_comes_out_the_same_when_the_analysis_runs_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = of_route(monkeypatch, [*RESULT_KINDS])
    with worker_services(tmp_path) as services:
        results = report_study(services, 1, make_dx(WindowCenter=900), make_dx(WindowCenter=3900))
        again = ReproductionSource(settings, services.ledger, services.spool, services.models, services.decode_pool)
        verdicts = {one.kind: overall(list(reproduce(again, one.sop_instance_uid))) for one in results}
    assert verdicts == dict.fromkeys(set(RESULT_KINDS) - {"status"}, "same")


def test_a_later_report_refers_to_the_state_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of_route(monkeypatch, ["sr", "gsps", "text_sr"])
    with worker_services(tmp_path) as services:
        first = report_study(services, 1, make_dx(WindowCenter=900))
        later = report_study(services, 1, make_dx(WindowCenter=3900), first=2)
    states = [one.sop_instance_uid for one in later if one.kind == "gsps"]
    assert [one.sop_instance_uid for one in first if one.kind == "gsps"] == states[:1]
    assert len(states) == len({*states})
    assert len([one for one in later if one.kind == "text_sr"]) == 2
