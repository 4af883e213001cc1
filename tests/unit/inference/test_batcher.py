"""Images share a run on the GPU and wait for nobody on the CPU; one that fails does not take its neighbours along."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import numpy as np
import pytest
from numpy.typing import NDArray

from converter.package.manifest import Manifest, load_manifest
from scp_node.errors import InferenceFailed, InvalidScore, OutOfResources
from scp_node.inference.batcher import Batcher
from scp_node.inference.scores import Scores
from tests.support.models.tiny_model import TINY
from tests.support.waiting import until

LONG_S = 60.0
POISON = np.float32(666)


class FakeSession:
    """Scores an image with its own first value; fails on POISON; can be held back."""

    def __init__(self, provider: str = "cuda") -> None:
        self.provider = provider
        self.manifest: Manifest = load_manifest(TINY / "manifest.yaml")
        self.batch_sizes: list[int] = []
        self.go_on = threading.Event()
        self.go_on.set()

    def run(self, batch: NDArray[np.float32]) -> Scores:
        self.batch_sizes.append(len(batch))
        assert self.go_on.wait(LONG_S)
        values = batch.reshape(len(batch), -1)[:, :1]
        if (values == POISON).any():
            raise InvalidScore("NaN")
        return Scores(values, values[..., None, None])


def image(value: float) -> NDArray[np.float32]:
    return np.full((1, 2, 2), value, np.float32)


@contextmanager
def held_back(session: FakeSession, batcher: Batcher) -> Iterator[None]:
    """While one run is going on, everything else has to wait."""
    with ThreadPoolExecutor(1) as threads:
        session.go_on.clear()
        first = threads.submit(batcher.score, image(-1))
        until(lambda: session.batch_sizes == [1], timeout_s=LONG_S)
        try:
            yield
        finally:
            session.go_on.set()
        first.result(LONG_S)


def score_all(batcher: Batcher, values: list[float], session: FakeSession) -> list[object]:
    """Score `values` at the same time, while an earlier run is going on; a raised error stands for its image."""

    def score(value: float) -> object:
        try:
            return float(batcher.score(image(value)).probability[0])
        except Exception as error:  # noqa: BLE001
            return type(error)

    with ThreadPoolExecutor(len(values)) as threads:
        with held_back(session, batcher):
            futures = [threads.submit(score, value) for value in values]
            until(lambda: len(batcher._waiting) == len(values), timeout_s=LONG_S)
        return [future.result(LONG_S) for future in futures]


def test_images_that_wait_share_a_run() -> None:
    session = FakeSession()
    with closing(Batcher(session, batch_size_max=4, batch_window_s=0)) as batcher:
        assert score_all(batcher, [1, 2, 3, 4, 5, 6], session) == [1, 2, 3, 4, 5, 6]
    assert session.batch_sizes == [1, 4, 2]


def test_the_first_image_waits_for_others_at_most_the_window() -> None:
    session = FakeSession()
    with (
        closing(Batcher(session, batch_size_max=2, batch_window_s=LONG_S)) as batcher,
        ThreadPoolExecutor(2) as threads,
    ):
        answers = list(threads.map(lambda value: batcher.score(image(value)).probability[0], [1, 2]))
    assert answers == [1, 2], "a full batch does not wait for the window to end"
    assert session.batch_sizes == [2]


def test_an_image_alone_is_scored_when_its_window_ends() -> None:
    with closing(Batcher(FakeSession(), batch_window_s=0.01)) as batcher:
        scores = batcher.score(image(7))
    assert scores.probability.shape == (1,)
    assert scores.cam.shape == (1, 1, 1)


def test_one_failing_image_does_not_fail_its_neighbours() -> None:
    session = FakeSession()
    with closing(Batcher(session, batch_size_max=8, batch_window_s=0)) as batcher:
        assert score_all(batcher, [1, float(POISON), 3], session) == [1, InvalidScore, 3]
    assert session.batch_sizes == [1, 3, 1, 1, 1]


def test_the_batcher_goes_on_after_a_failure() -> None:
    with closing(Batcher(FakeSession(), batch_window_s=0)) as batcher:
        with pytest.raises(InvalidScore):
            batcher.score(image(float(POISON)))
        assert batcher.score(image(2)).probability[0] == 2


def test_images_that_wait_are_bounded() -> None:
    session = FakeSession()
    with closing(Batcher(session, waiting_max=2, batch_window_s=0)) as batcher, ThreadPoolExecutor(2) as threads:
        with held_back(session, batcher):
            waiting = [threads.submit(batcher.score, image(value)) for value in (1, 2)]
            until(lambda: len(batcher._waiting) == 2, timeout_s=LONG_S)
            with pytest.raises(OutOfResources, match="2 images wait"):
                batcher.score(image(3))
        assert [future.result(LONG_S).probability[0] for future in waiting] == [1, 2]


def test_nobody_waits_for_ever() -> None:
    session = FakeSession()
    with closing(Batcher(session, batch_window_s=0, answer_timeout_s=0.05)) as batcher:
        session.go_on.clear()
        with pytest.raises(InferenceFailed, match="no scores within") as raised:
            batcher.score(image(1))
        session.go_on.set()
    assert raised.value.retry


def test_closing_finishes_what_waits_and_takes_no_more() -> None:
    session = FakeSession()
    batcher = Batcher(session, batch_size_max=4, batch_window_s=LONG_S)
    with ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(batcher.score, image(value)) for value in (1, 2)]
        until(lambda: len(batcher._waiting) == 2, timeout_s=LONG_S)
        batcher.close()
        assert [future.result(LONG_S).probability[0] for future in waiting] == [1, 2]
    assert batcher._thread is not None and not batcher._thread.is_alive()
    with pytest.raises(OutOfResources, match="stopping"):
        batcher.score(image(3))


def test_on_the_cpu_each_image_runs_at_once() -> None:
    session = FakeSession("cpu")
    batcher = Batcher(session, batch_window_s=LONG_S)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda value: batcher.score(image(value)).probability[0], range(20)))
    assert answers == list(range(20))
    assert session.batch_sizes == [1] * 20
    batcher.close()
    with pytest.raises(OutOfResources, match="stopping"):
        batcher.score(image(3))
