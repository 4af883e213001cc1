"""Micro-batches: images that wait at the same time share one run on the GPU; on the CPU each runs at once."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout

import numpy as np
from numpy.typing import NDArray

from converter.analysis.scores import ImageScores
from scp_node.errors import InferenceFailed, OutOfResources
from scp_node.inference.scores import Scorer

log = logging.getLogger(__name__)

WAITING_MAX = 256
ANSWER_TIMEOUT_S = 120.0


class Batcher:
    """Scores single images, from any number of threads.

    batch_window_s: how long the first image of a batch waits for others. It waits less when the batch is full.
    """

    def __init__(
        self,
        session: Scorer,
        batch_size_max: int = 16,
        batch_window_s: float = 0.005,
        waiting_max: int = WAITING_MAX,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> None:
        self._session = session
        self._batch_size_max = batch_size_max
        self._batch_window_s = batch_window_s
        self._waiting_max = waiting_max
        self._answer_timeout_s = answer_timeout_s
        self._waiting: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._closed = False
        # A batch gains nothing on the CPU (each image costs the same), so that none waits for another.
        self._thread: threading.Thread | None = None
        if session.provider != "cpu":
            self._thread = threading.Thread(target=self._work, name="batcher", daemon=True)
            self._thread.start()

    def score(self, model_input: NDArray[np.float32]) -> ImageScores:
        """The scores of one image. Raises InferenceFailed, InvalidScore or OutOfResources."""
        if self._thread is None:
            if self._closed:
                raise OutOfResources("inference is stopping")
            return self._session.run(model_input[np.newaxis]).image(0)
        item = _Waiting(model_input)
        with self._changed:
            if self._closed:
                raise OutOfResources("inference is stopping")
            if len(self._waiting) >= self._waiting_max:
                raise OutOfResources(f"{self._waiting_max} images wait for inference already")
            self._waiting.append(item)
            self._changed.notify_all()
        try:
            return item.answer.result(self._answer_timeout_s)
        except FutureTimeout:
            item.answer.cancel()
            raise InferenceFailed(f"no scores within {self._answer_timeout_s:g} s") from None

    def close(self) -> None:
        """Take no more images, finish those that wait, and end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(self._answer_timeout_s)

    def _work(self) -> None:
        while batch := self._next_batch():
            try:
                self._run(batch)
            except Exception:  # noqa: BLE001 - the thread must go on; each item of the batch gets its own try
                log.info("batch failed, its images run singly", extra={"batch_size": len(batch)})
                for item in batch:
                    self._run_singly(item)

    def _next_batch(self) -> list[_Waiting]:
        """The next images, oldest first; empty when there are none left and the batcher is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            deadline = time.monotonic() + self._batch_window_s
            while len(self._waiting) < self._batch_size_max and not self._closed:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), self._batch_size_max))]

    def _run(self, batch: list[_Waiting]) -> None:
        scores = self._session.run(np.stack([item.model_input for item in batch]))
        for position, item in enumerate(batch):
            item.give(scores.image(position))

    def _run_singly(self, item: _Waiting) -> None:
        try:
            item.give(self._session.run(item.model_input[np.newaxis]).image(0))
        except Exception as error:  # noqa: BLE001 - it is handed to the one who asked
            item.fail(error)


class _Waiting:
    """One image, and the promise of its scores; whoever asked may have given up meanwhile."""

    def __init__(self, model_input: NDArray[np.float32]) -> None:
        self.model_input = model_input
        self.answer: Future[ImageScores] = Future()

    def give(self, scores: ImageScores) -> None:
        if self.answer.set_running_or_notify_cancel():
            self.answer.set_result(scores)

    def fail(self, error: Exception) -> None:
        if self.answer.set_running_or_notify_cancel():
            self.answer.set_exception(error)
