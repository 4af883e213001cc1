"""What is asked about models: which there are, what they do in a node, whether they are intact, what was learnt."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from converter.package.image_statistics import STATISTICS, measure_distribution
from scp_node.checks.package import check_package
from scp_node.errors import ModelMissing, ModelUnusable, UsageError
from scp_node.ledger import Ledger, ShadowRow, TwoScores
from scp_node.ledger.records import now_utc
from scp_node.monitoring import agreement
from scp_node.queries.model_packages import list_models, model_details, model_uses
from scp_node.queries.model_reports import agreement_report, drift_report
from scp_node.settings import Inference, Settings
from scp_node.telemetry.heartbeat import RoleStatus, status_folder, write_status
from tests.support.ledger.ledgers import new_ledger, received
from tests.support.models.tiny_model import TINY_GATED, TINY_LUNGS, copy_tiny
from tests.unit.queries.cases import read_only

FILMS = [dict.fromkeys(STATISTICS, 0.1 * n) for n in range(10)]
REFERENCE = measure_distribution("made val", ["bright", "dark"], np.full((10, 2), 0.5), FILMS, 0)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    models = tmp_path / "models"
    copy_tiny(models, distribution=REFERENCE.model_dump(mode="json"))
    copy_tiny(models, TINY_GATED)
    copy_tiny(models, TINY_LUNGS)
    (copy_tiny(models, version="2.0.0") / "manifest.yaml").write_text("name: tiny")
    pacs = {"ae_title": "PACS", "host": "127.0.0.1", "port": 104, "may_send": True}
    routes = [
        {"name": "chest", "model": "tiny@1.0.0", "to": ["pacs"], "shadow": "tiny-gated@1.0.0"},
        {"name": "head", "model": "brain@3.0.0", "to": ["pacs"]},
    ]
    return Settings.model_validate(
        {
            "node": {"ae_title": "HILUM", "data_dir": str(tmp_path)},
            "remote_aes": {"pacs": pacs},
            "routes": routes,
            "inference": {"models_dir": str(models)},
        }
    )


def fill(folder: Path) -> None:
    ledger = new_ledger(folder)
    with ledger.transaction() as tx:
        tx.drift_counts.add_image("tiny@1.0.0", "CR1", "ROOM1", bins={}, sizes={})
        tx.drift_counts.add_image("gone@1.0.0", "CR1", "ROOM1", bins={}, sizes={})
        for number in (1, 2):
            tx.instances.add(received(number))
            scores = (TwoScores("bright", 0.2 * number, False, 0.3 * number, number == 2),)
            shadow = ("tiny-gated@1.0.0", "tiny@1.0.0", "chest")
            tx.shadows.put(ShadowRow(f"1.2.3.1.{number}", *shadow, "scored", "", scores, now_utc()))
        tx.instances.add(received(3))
        tx.shadows.put(ShadowRow("1.2.3.1.3", *shadow, "declined", "not-frontal: LL", (), now_utc()))
    ledger.engine.dispose()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    fill(tmp_path)
    with read_only(tmp_path) as one:
        yield one


def test_every_package_is_listed_with_what_it_does_or_why_it_cannot_be_used(
    settings: Settings, ledger: Ledger, tmp_path: Path
) -> None:
    ready = 'hilum_model_ready{model="tiny@1.0.0",provider="cpu"} 1.0\n'
    write_status(status_folder(tmp_path), RoleStatus("worker", (), time.monotonic(), ready))
    listed = {one.label: one for one in list_models(tmp_path / "models", model_uses(settings, ledger))}
    assert list(listed)[-1] == "brain@3.0.0" and set(listed) == {
        *("tiny@1.0.0", "tiny@2.0.0", "tiny-gated@1.0.0", "tiny-lungs@1.0.0", "brain@3.0.0")
    }
    tiny, gated = listed["tiny@1.0.0"], listed["tiny-gated@1.0.0"]
    assert (tiny.title, tiny.findings, tiny.gate) == ("Tiny brightness model", ("bright", "dark"), "none")
    assert (tiny.lungs, listed["tiny-lungs@1.0.0"].lungs) == ("not outlined", "outlined; whole up to 25 % of an edge")
    assert tiny.use is not None and (tiny.use.routes, tiny.use.provider) == (("chest",), "cpu")
    assert tiny.use.drift == (("too-few", 1),)
    assert gated.gate == "frontal-chest from 0.5" and gated.use is not None and gated.use.shadow_of == ("chest",)
    assert listed["tiny@2.0.0"].problem.startswith("unusable: ") and listed["tiny@2.0.0"].use is None
    assert listed["brain@3.0.0"].problem == "missing, but named by head"


def test_a_node_that_has_never_run_uses_its_models_without_provider_and_drift(settings: Settings) -> None:
    uses = model_uses(settings, None)
    assert set(uses) == {"tiny@1.0.0", "tiny-gated@1.0.0", "brain@3.0.0"}
    assert (uses["tiny@1.0.0"].routes, uses["tiny@1.0.0"].provider, uses["tiny@1.0.0"].drift) == (("chest",), "", ())


def test_a_package_is_told_with_its_card_and_what_its_images_are_compared_with(
    settings: Settings, tmp_path: Path
) -> None:
    uses = model_uses(settings, None)
    details = model_details(tmp_path / "models", "tiny@1.0.0", uses)
    assert details.manifest.title == "Tiny brightness model" and details.use == uses["tiny@1.0.0"]
    assert details.drift_reference == "compared with 10 films of made val"
    assert details.card == tmp_path / "models" / "tiny" / "1.0.0" / "CARD.md"
    details.card.unlink()
    gated = model_details(tmp_path / "models", "tiny-gated", {})
    assert gated.use is None and gated.drift_reference.startswith("no reference: ")
    assert model_details(tmp_path / "models", "tiny@1.0.0", {}).card is None
    with pytest.raises(ModelMissing):
        model_details(tmp_path / "models", "tinny", {})


def test_the_checks_of_a_package_come_in_order_and_end_at_the_first_that_fails(tmp_path: Path) -> None:
    folder = copy_tiny(tmp_path)
    passed = list(check_package(folder, Inference()))
    assert [check.name for check in passed] == ["manifest", "weights", "graph", "reference"]
    assert passed[0].detail.startswith("2 finding(s), tiny@1.0.0#sha256:") and "on cpu" in passed[-1].detail
    (folder / "model.onnx").write_bytes(b"something else")
    checks = check_package(folder, Inference())
    assert next(checks).name == "manifest"
    with pytest.raises(ModelUnusable, match="altered"):
        next(checks)


def test_the_check_of_a_graph_names_what_it_outlines(tmp_path: Path) -> None:
    graph = {check.name: check.detail for check in check_package(copy_tiny(tmp_path, TINY_LUNGS), Inference())}["graph"]
    assert graph == "image NCHW 64 x 64 -> probability, cam, lungs"


def test_agreement_of_two_models_is_a_record_that_json_can_hold(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = now_utc() - timedelta(days=1)
    with ledger.reading() as tx:
        report = agreement_report(tx, since)
    (pair,), (unscored,) = report.agreements, report.unscored
    assert (pair.first, pair.second, pair.finding, pair.images) == ("tiny@1.0.0", "tiny-gated@1.0.0", "bright", 2)
    assert (unscored.outcome, unscored.reason, unscored.images) == ("declined", "not-frontal", 1)
    document = json.loads(json.dumps(report.document(), allow_nan=False))
    assert list(document) == ["since", "agreements", "unscored"] and document["since"] == since.isoformat()
    assert document["agreements"][0]["table"] == [[1, 1], [0, 0]]
    with ledger.reading() as tx:
        assert agreement_report(tx, now_utc() + timedelta(hours=1)).agreements == ()
        monkeypatch.setattr(agreement, "PAIRS_MAX", 0)
        with pytest.raises(UsageError, match="ask for a shorter time"):
            agreement_report(tx, since)


def test_drift_is_compared_with_the_packages_that_are_there(settings: Settings, ledger: Ledger) -> None:
    report = drift_report(ledger, settings)
    states = {one.model: one.state for one in report.senders}
    assert states == {"tiny@1.0.0": "too-few", "gone@1.0.0": "no-reference"}
    document = json.loads(json.dumps(report.document()))
    assert document["window_days"] == settings.drift.window_days and len(document["senders"]) == 2
