"""Whoever asks hears the same: for one image, one model and one policy there is one answer.

Asked are the image job, the second model, `hilum reproduce`, `hilum predict`, `hilum evaluate` and training's judging.
The images are smaller than the smallest rendering that any of them asks for, so that their policies come to the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import xxhash
from pydicom import Dataset

from converter.analysis.analyse import analyse
from converter.analysis.outcome import Examined
from converter.analysis.ports import FileDecoder
from converter.evaluation.labels import Label
from converter.package.concept import Concept
from converter.result.findings import Finding
from scp_node.analysis.evaluation import Judging
from scp_node.analysis.files import outcomes_of
from scp_node.analysis.labelled_images import LabelledImage
from scp_node.analysis.policies import command_policy, node_policy
from scp_node.analysis.predictor import Predictor
from scp_node.decode.pool import DecodePool
from scp_node.engine.jobs import JobQueue
from scp_node.inference.loaded_models import LoadedModels
from scp_node.inference.packages import find_package
from scp_node.ledger import Analysis, InstanceRow
from scp_node.ledger.records import now_utc
from scp_node.monitoring.reproduce import ReproductionSource, reproduce
from scp_node.settings import Inference, Settings
from scp_node.storage.previews import PreviewStore
from scp_node.storage.spool import Spool
from scp_node.workflow.job_kinds import SHADOWS_QUEUE, shadow_job
from scp_node.workflow.services import Services
from scp_node.workflow.shadow_job import ShadowServices, run_shadow_job
from tests.support.dicom.phantoms import make_dx
from tests.support.ledger.ledgers import claimed, new_ledger
from tests.support.ledger.studies import pending, report_study
from tests.support.models.tiny_model import TINY_GATED, copy_tiny
from training.judging.judge_package import examined
from training.packaging.graph_model import open_package

SIDE, UID = 240, "1.2.3.1.1"
MODEL = "tiny-gated@1.0.0"
# What the image is answered with: a code, or findings as (name, probability, positive, region).
Told = str | list[tuple[str, float, bool, object]]


def film(**changes: object) -> Dataset:
    return make_dx(rows=SIDE, columns=SIDE, seed=3, **changes)  # type: ignore[arg-type]


def mostly_black() -> np.ndarray:
    pixels = np.zeros((SIDE, SIDE), np.uint16)
    pixels[::20] = np.random.default_rng(1).integers(0, 4096, (SIDE // 20, SIDE))
    return pixels


def cut_off() -> Dataset:
    """The header promises more pixels than there are."""
    ds = film()
    ds.PixelData = ds.PixelData[: len(ds.PixelData) // 3]
    return ds


IMAGES: dict[str, tuple[Callable[[], Dataset], str | None]] = {
    "a chest": (film, None),
    "dark": (lambda: film(WindowCenter=3900), None),
    "in a window that shows nothing": (lambda: film(WindowCenter=127, WindowWidth=254), None),
    "mostly black": (lambda: film(pixels=mostly_black()), "implausible-saturated"),
    "black and white exchanged": (lambda: film(PhotometricInterpretation="MONOCHROME1"), None),
    "no view named": (lambda: film(ViewPosition=None), None),
    "lateral": (lambda: film(ViewPosition="LL"), "not-frontal"),
    "an abdomen": (lambda: film(BodyPartExamined="ABDOMEN"), "wrong-body-part"),
    "an infant": (lambda: film(PatientAge="003M"), None),
    "blank": (lambda: film(pixels=np.full((SIDE, SIDE), 700, np.uint16)), "implausible-blank"),
    "cut off": (cut_off, "undecodable"),
}


@dataclass(frozen=True)
class Asked:
    """One image that went through the image job, its file, and those who may be asked about it."""

    services: Services
    settings: Settings
    models_dir: Path
    path: Path
    result_uid: str
    instance: InstanceRow
    analysis: Analysis | None

    def by_image_job(self) -> Told:
        return self.instance.decline_code or findings(self.analysis.findings if self.analysis else ())

    def by_prediction(self) -> Told:
        with closing(DecodePool(processes=1)) as pool:
            policy = command_policy(320, use_gate=self.settings.inference.gate == "refuse")
            found = Predictor(self.services.models.get(MODEL), pool, policy).predict(self.path)
        return found.declined.code if found.declined else findings(found.findings)

    def by_evaluation(self) -> Told:
        """The case that `hilum evaluate` makes of the image: it has probabilities, no region."""
        manifest = self.services.models.get(MODEL).manifest
        label = Label(line=2, file=self.path.name, sop_instance_uid="", truth={})
        judging = Judging(manifest, self.path.parent, [LabelledImage(self.path, label)])
        package = find_package(self.models_dir, MODEL)
        list(judging.watched(outcomes_of(package, [self.path], 320, threads=1)))
        (case,) = judging.cases
        thresholds = {finding.name: finding.operating_threshold for finding in manifest.findings}
        if case.declined is not None:
            return case.declined.code
        return [(name, round(p, 5), p >= thresholds[name], None) for name, p in case.probability.items()]

    def by_training(self) -> Told:
        policy = node_policy(self.settings)
        package = open_package(TINY_GATED)
        found = analyse(self.path, package, FileDecoder(), policy)
        if found.failure is None:
            assert told(next(examined(package, [self.path], policy))) == told(found)
        return told(found)

    def by_second_model(self) -> Told:
        """What the shadow says; of its findings it keeps no region."""
        services = self.services
        shadow = ShadowServices(
            lambda: self.settings, services.ledger, services.jobs, services.spool, services.models, services.decode_pool
        )
        first = Analysis(
            np.zeros((2, 4, 4), np.float32),
            np.eye(2, 3),
            (SIDE, SIDE),
            "cpu",
            tuple(
                Finding(n, Concept(value="T", scheme="99HILUM", meaning=n), 0.5, 0.5, True) for n in ("bright", "dark")
            ),
        )
        with services.ledger.transaction() as tx:
            tx.instances.reopen(UID)
            tx.instances.finish(UID, "inferred", route="chest", model=MODEL, reportable=True, analysis=first)
            services.jobs.put(tx, shadow_job(tx.instances.get(UID), 0, now_utc()))
        run_shadow_job(shadow, claimed(services.ledger, pending(services.ledger, SHADOWS_QUEUE)[0]))
        with services.ledger.reading() as tx:
            (row,) = tx.shadows.since(now_utc().replace(year=2000))
        if row.outcome != "scored":
            return row.detail.partition(":")[0]
        return [(one.finding, round(one.second, 5), one.second_positive, None) for one in row.scores]

    def reproduction(self) -> set[str]:
        source = ReproductionSource(
            self.settings, self.services.ledger, self.services.spool, self.services.models, self.services.decode_pool
        )
        return {check.verdict for check in reproduce(source, self.result_uid)}


@pytest.fixture(params=IMAGES, ids=[name.replace(" ", "-") for name in IMAGES])
def image(request: pytest.FixtureRequest) -> tuple[Dataset, str | None]:
    make, code = IMAGES[request.param]
    return make(), code


@pytest.fixture(params=["refuse", "note", "off"])
def asked(request: pytest.FixtureRequest, tmp_path: Path, image: tuple[Dataset, str | None]) -> Iterator[Asked]:
    copy_tiny(tmp_path / "models", TINY_GATED)
    settings = Settings.model_validate(
        {
            "node": {"ae_title": "HILUM"},
            "remote_aes": {"pacs": {"ae_title": "PACS", "host": "127.0.0.1", "port": 104, "may_send": True}},
            "routes": [{"name": "chest", "model": MODEL, "shadow": MODEL, "to": ["pacs"]}],
            "report": {"quiet_period_s": 0, "heatmap_side_max": 320},
            "inference": {"gate": request.param, "providers": ["cpu"]},
        }
    )
    ledger, spool = new_ledger(tmp_path), Spool(tmp_path / "spool")
    with (
        closing(DecodePool(processes=1)) as pool,
        closing(LoadedModels(tmp_path / "models", Inference(providers=["cpu"]))) as models,
    ):
        services = Services(
            lambda: settings,
            ledger,
            JobQueue(),
            spool,
            PreviewStore(tmp_path / "previews"),
            models,
            pool,
            None,  # type: ignore[arg-type]
        )
        results = report_study(services, 1, image[0])
        with ledger.reading() as tx:
            instance, analysis = tx.instances.get(UID), tx.instances.analysis(UID)
        report = next(one for one in results if one.kind == "sr")
        path = spool.path(instance.spool_name)
        assert xxhash.xxh3_128_hexdigest(path.read_bytes()) == instance.digest
        yield Asked(services, settings, tmp_path / "models", path, report.sop_instance_uid, instance, analysis)
    ledger.engine.dispose()


def test_everybody_who_asks_hears_the_same(asked: Asked, image: tuple[Dataset, str | None]) -> None:
    answer = asked.by_image_job()
    if image[1] is not None:
        assert answer == image[1]
    assert asked.reproduction() == {"same"}
    assert asked.by_training() == answer
    if asked.settings.inference.gate != "note":  # a command has no such mode
        assert asked.by_prediction() == answer
    if asked.settings.inference.gate == "refuse":  # an evaluation always asks the gate
        assert asked.by_evaluation() == without_regions(answer)
    assert asked.by_second_model() == without_regions(answer)


def test_the_images_are_answered_in_different_ways() -> None:
    """The table above would prove little if everything were declined, or nothing."""
    codes = {code for _, code in IMAGES.values()}
    assert None in codes and len(codes) >= 5


def told(found: Examined) -> Told:
    return found.declined.code if found.declined else findings(found.analysed.findings if found.analysed else ())


def findings(some: tuple[Finding, ...]) -> Told:
    return [(one.name, round(one.probability, 5), one.positive, one.regions) for one in some]


def without_regions(answer: Told) -> Told:
    return answer if isinstance(answer, str) else [(name, value, sign, None) for name, value, sign, _ in answer]
