"""What becomes of an image in the shadow: scored, declined or failed, each kept; and never more than its own row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from pydicom import Dataset

from converter.package.concept import Concept
from converter.result.findings import Finding
from scp_node.decode.pool import DecodePool
from scp_node.engine.jobs import JobQueue
from scp_node.engine.port import Limit
from scp_node.inference.loaded_models import LoadedModels
from scp_node.intake.image_jobs import IMAGES_QUEUE
from scp_node.ledger import Analysis, Ledger, ShadowRow
from scp_node.ledger.records import now_utc
from scp_node.node.shadow import on_one_core, queues
from scp_node.settings import Inference, Settings
from scp_node.storage.spool import Spool
from scp_node.workflow.job_kinds import SHADOWS_QUEUE, shadow_job
from scp_node.workflow.shadow_job import ShadowServices, bury_shadow, run_shadow_job
from tests.support.dicom.phantoms import make_dx, write_dx
from tests.support.ledger.ledgers import claimed, new_ledger, received
from tests.support.models.tiny_model import TINY, copy_tiny, random_tiny, tiny_with

UID = "1.2.3.1.1"
BRIGHT = Concept(value="T001", scheme="99HILUM", meaning="Bright")


@dataclass
class Shadow:
    """A ledger with one image that tiny@1.0.0 has scored, and what its second score takes."""

    ledger: Ledger
    services: ShadowServices
    route: dict[str, Any] = field(default_factory=lambda: {"shadow": "tiny@1.1.0"})

    def settings(self) -> Settings:
        return Settings.model_validate(
            {
                "node": {"ae_title": "HILUM"},
                "remote_aes": {"pacs": {"ae_title": "PACS", "host": "127.0.0.1", "port": 104, "may_send": True}},
                "routes": [{"name": "chest", "model": "tiny@1.0.0", "to": ["pacs"], **self.route}],
            }
        )

    def receive(self, ds: Dataset) -> None:
        """Store and judge, as receiver and image job would."""
        record = received()
        path = self.services.spool.path(record.spool_name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_dx(path, ds)
        found = Finding("bright", BRIGHT, 0.9, 0.5, True)
        analysis = Analysis(np.zeros((1, 4, 4), np.float32), np.eye(2, 3), (100, 100), "cpu", (found,))
        with self.ledger.transaction() as tx:
            tx.instances.add(record)
            tx.instances.finish(UID, "inferred", route="chest", model="tiny@1.0.0", reportable=True, analysis=analysis)
            self.services.jobs.put(tx, shadow_job(tx.instances.get(UID), 0, now_utc()))

    def run(self) -> ShadowRow | None:
        with self.ledger.reading() as tx:
            (job,) = tx.jobs.pending(SHADOWS_QUEUE, 10)
        held = claimed(self.ledger, job)
        run_shadow_job(self.services, held)
        with self.ledger.reading() as tx:
            done = tx.jobs.get(job.job_id)
            assert done is not None and done.state == "done"
            return next(tx.shadows.since(now_utc().replace(year=2000)), None)


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    copy_tiny(folder)
    random_tiny(folder, seed=2, version="1.1.0")
    broken = random_tiny(folder, seed=3, version="1.2.0")
    (broken / "reference.npz").unlink()
    tiny_with(folder, *np.full((2, 2), np.nan, np.float32), version="1.3.0")
    alien = yaml.safe_load((TINY / "manifest.yaml").read_text(encoding="utf-8"))["findings"]
    renamed = [finding | {"name": f"other-{finding['name']}"} for finding in alien]
    random_tiny(folder, seed=4, version="1.4.0", findings=renamed)
    return folder


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodePool]:
    with closing(DecodePool.of(Inference(), processes=1)) as one:
        yield one


@pytest.fixture
def shadow(database: str, tmp_path: Path, models_dir: Path, pool: DecodePool) -> Iterator[Shadow]:
    ledger = new_ledger(tmp_path)
    models = LoadedModels(models_dir, on_one_core(Inference()))
    spool = Spool(tmp_path / "spool")
    one = Shadow(ledger, ShadowServices(lambda: one.settings(), ledger, JobQueue(), spool, models, pool))
    yield one
    models.close()
    ledger.engine.dispose()


def test_findings_that_both_models_have_are_put_side_by_side(shadow: Shadow) -> None:
    shadow.receive(make_dx(rows=256, columns=220))
    row = shadow.run()
    assert row is not None and (row.outcome, row.model, row.shadow) == ("scored", "tiny@1.0.0", "tiny@1.1.0")
    (scores,) = row.scores  # the first model said nothing of "dark"
    assert (scores.finding, scores.first, scores.first_positive) == ("bright", 0.9, True)
    assert 0 <= scores.second <= 1 and scores.second_positive == (scores.second >= 0.5)


def test_what_the_second_model_was_not_made_for_is_declined(shadow: Shadow) -> None:
    shadow.receive(make_dx(rows=256, columns=220, ViewPosition="LL"))
    row = shadow.run()
    assert row is not None and row.outcome == "declined" and row.detail.startswith("not-frontal")


def test_pixels_that_cannot_be_decoded_are_kept_as_failed(shadow: Shadow) -> None:
    ds = make_dx(rows=256, columns=220)
    del ds.PixelData
    ds.PixelData = b"\0\0"
    shadow.receive(ds)
    row = shadow.run()
    assert row is not None and row.outcome == "failed" and row.detail.startswith("undecodable") and row.scores == ()


@pytest.mark.parametrize("version", ["1.2.0", "1.3.0"], ids=["without reference", "answers NaN"])
def test_a_broken_package_is_a_failure_of_each_image_and_not_of_the_job(
    shadow: Shadow, caplog: pytest.LogCaptureFixture, version: str
) -> None:
    shadow.route = {"shadow": f"tiny@{version}"}
    assert queues(shadow.settings(), shadow.services.models) == {SHADOWS_QUEUE: Limit(1)}
    assert "second model cannot be used" in caplog.messages
    shadow.receive(make_dx(rows=256, columns=220))
    row = shadow.run()
    assert row is not None and row.outcome == "failed" and row.detail.startswith("model-unusable")


def test_a_model_without_a_finding_of_the_first_one_is_told_as_a_failure(shadow: Shadow) -> None:
    shadow.route = {"shadow": "tiny@1.4.0"}
    shadow.receive(make_dx(rows=256, columns=220))
    row = shadow.run()
    assert row is not None and row.outcome == "failed" and row.detail.startswith("no-common-finding: ")


def test_where_no_route_names_a_second_model_any_more_what_waits_is_ended_without_a_score(shadow: Shadow) -> None:
    shadow.receive(make_dx(rows=256, columns=220))
    shadow.route = {}
    assert queues(shadow.settings(), shadow.services.models) == {SHADOWS_QUEUE: Limit(1)}
    assert shadow.run() is None


def test_an_image_that_is_analysed_anew_waits_for_its_new_score(shadow: Shadow) -> None:
    shadow.receive(make_dx(rows=256, columns=220))
    with shadow.ledger.transaction() as tx:
        tx.instances.reopen(UID)
    assert shadow.run() is None


def test_a_job_that_died_leaves_a_row_that_says_so(shadow: Shadow) -> None:
    shadow.receive(make_dx(rows=256, columns=220))
    with shadow.ledger.transaction() as tx:
        (job,) = tx.jobs.pending(SHADOWS_QUEUE, 1)
        bury_shadow(shadow.services, tx, job, "crashed", "the process died")
        (row,) = tx.shadows.since(now_utc().replace(year=2000))
        assert (row.outcome, row.detail) == ("failed", "crashed: the process died")
        assert tx.instances.get(UID).state == "inferred"
        assert tx.jobs.pending(IMAGES_QUEUE, 1) == []


def test_the_gpu_stays_the_first_models() -> None:
    limits = on_one_core(Inference(gpu_required=True))
    assert (limits.providers, limits.gpu_required, limits.threads) == (["cpu"], False, 1)
