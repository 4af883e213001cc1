"""Many files are predicted side by side, come out in order, and only a bounded number is in work."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from converter.analysis.policy import Policy
from converter.analysis.scores import ImageScores
from converter.declined import Declined
from converter.errors import Undecodable, Unreadable
from converter.image.convert import Converted
from converter.package.manifest import load_manifest
from scp_node.analysis.predictor import AHEAD_PER_CHILD, Prediction, Predictor
from scp_node.decode.pool import DecodePool
from scp_node.errors import DecodeTimedOut, InvalidScore
from scp_node.inference.batcher import Batcher
from scp_node.inference.loaded_models import LoadedModel
from scp_node.inference.packages import open_package
from scp_node.inference.session import InferenceSession
from tests.support.models.tiny_model import TINY, TINY_GATED

MANIFEST = load_manifest(TINY / "manifest.yaml")
POLICY = Policy("refuse", 64, 1_000_000)
PREVIEW = np.zeros((64, 64), np.uint8)
AFFINE = np.array([[1.0, 0, 0], [0, 1.0, 0]])


class FakePool:
    """Converts a file to its number; takes a while, never the same."""

    processes = 3
    failures = DecodePool.failures

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._lock = threading.Lock()

    def convert(self, path: Path, *_: Any) -> Converted | Declined:
        with self._lock:
            self.asked.append(path.name)
        time.sleep(random.uniform(0, 0.005))
        match path.name:
            case "unreadable":
                raise Unreadable("no image")
            case "undecodable":
                raise Undecodable("no decoder")
            case "hangs":
                raise DecodeTimedOut("too long")
            case "lateral":
                return Declined("not-frontal", "View Position is LL")
        return Converted(np.full((1, 64, 64), float(path.name), np.float32), PREVIEW, AFFINE, (64, 64), ())

    def sop_instance_uid(self, path: Path) -> str:
        return f"1.2.{path.name}"


class FakeModel:
    manifest, provider = MANIFEST, "cpu"

    def score(self, model_input: np.ndarray) -> ImageScores:
        value = model_input.max()
        if value == 13:
            raise InvalidScore("NaN")
        cam = np.zeros((2, 8, 8), np.float32)
        cam[0, 2:4, 2:4] = value
        return ImageScores(np.array([value / 1000, 0.0], np.float32), cam)


@pytest.fixture
def pool() -> FakePool:
    return FakePool()


@pytest.fixture
def predictor(pool: FakePool) -> Predictor:
    return Predictor(FakeModel(), cast(DecodePool, pool), POLICY)


def test_results_come_in_the_order_of_the_files(predictor: Predictor) -> None:
    paths = [Path(str(number)) for number in range(100, 300)]
    outcomes = list(predictor.predict_all(paths))
    assert [path for path, _ in outcomes] == paths
    probabilities = [outcome.findings[0].probability for _, outcome in outcomes if isinstance(outcome, Prediction)]
    assert probabilities == pytest.approx([number / 1000 for number in range(100, 300)])


def test_a_bounded_number_of_files_is_in_work(predictor: Predictor, pool: FakePool) -> None:
    outcomes = predictor.predict_all(Path(str(number)) for number in range(10_000))
    list(islice(outcomes, 5))
    time.sleep(0.1)
    assert len(pool.asked) < 5 + AHEAD_PER_CHILD * pool.processes
    outcomes.close()  # type: ignore[attr-defined]
    asked = len(pool.asked)
    time.sleep(0.05)
    assert len(pool.asked) == asked, "nothing goes on after the last result was taken"


def test_errors_and_refusals_take_the_place_of_their_file(predictor: Predictor) -> None:
    names = ["unreadable", "1", "undecodable", "hangs", "lateral", "13", "2"]
    outcomes = dict(predictor.predict_all(map(Path, names)))
    assert [type(outcomes[Path(name)]) for name in names] == [
        Unreadable,
        Prediction,
        Prediction,
        Prediction,
        Prediction,
        InvalidScore,
        Prediction,
    ]
    undecodable, lateral, hangs = (outcomes[Path(name)] for name in ("undecodable", "lateral", "hangs"))
    assert isinstance(undecodable, Prediction) and isinstance(lateral, Prediction) and isinstance(hangs, Prediction)
    assert hangs.declined == Declined("undecodable", "too long"), "as in the node, which quarantines it"
    assert undecodable.declined == Declined("undecodable", "no decoder")
    assert undecodable.sop_instance_uid == "1.2.undecodable"
    assert lateral.declined is not None and lateral.findings == () and lateral.cam is None


def test_a_positive_finding_has_a_region(predictor: Predictor) -> None:
    bright, dark = predictor.predict(Path("900")).findings
    assert bright.positive and bright.regions[0].outline[0] == bright.regions[0].outline[-1]
    assert not dark.positive and dark.regions == () and dark.unplaced == ""


def test_what_the_gate_refuses_is_declined_unless_it_is_not_asked(pool: FakePool) -> None:
    package = open_package(TINY_GATED)
    batcher = Batcher(InferenceSession(package))
    model = LoadedModel(package.manifest, batcher, "cpu")
    asked = Predictor(model, cast(DecodePool, pool), POLICY)
    unasked = Predictor(model, cast(DecodePool, pool), replace(POLICY, gate="off"))
    refused, accepted = asked.predict(Path("-4")), asked.predict(Path("1"))
    assert refused.declined is not None and refused.declined.code == "gate-noise" and refused.findings == ()
    assert accepted.declined is None and len(accepted.findings) == 2
    assert unasked.predict(Path("-4")).declined is None
    batcher.close()
