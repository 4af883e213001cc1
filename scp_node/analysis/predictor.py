"""One file in, one prediction out, without node or network; many files side by side, in the order asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converter.analysis.analyse import analyse
from converter.analysis.policy import Policy
from converter.analysis.ports import Model
from converter.declined import Declined
from converter.errors import ConverterError, Unreadable
from converter.image.convert import Converted
from converter.result.findings import Finding
from scp_node.decode.pool import DecodePool
from scp_node.errors import HilumError

# Files in progress, for each decoding child: enough that none waits, few enough that previews fit in memory.
AHEAD_PER_CHILD = 4


@dataclass(frozen=True)
class Prediction:
    """`declined`, or the findings and what they were drawn from: `converted`, and `cam` [findings, h, w]. `notes` tell
    what was unknown or unusual, as in the report of a node."""

    sop_instance_uid: str | None
    declined: Declined | None = None
    findings: tuple[Finding, ...] = ()
    converted: Converted | None = None
    cam: NDArray[np.float32] | None = None
    notes: tuple[str, ...] = ()
    lungs: NDArray[np.float32] | None = None


Outcome = Prediction | ConverterError | HilumError


class Predictor:
    """Predicts with one loaded model; does not own the model and the pool."""

    def __init__(self, model: Model, pool: DecodePool, policy: Policy) -> None:
        self._model, self._pool, self._policy = model, pool, policy

    def predict(self, path: Path) -> Prediction:
        """Analyse one file. Pixels that cannot be decoded are a refusal, as for the node; a file that is no image has
        no prediction.

        Raises Unreadable, InferenceFailed, OutOfResources.
        """
        examined = analyse(path, self._model, self._pool, self._policy)
        if isinstance(examined.failure, Unreadable):
            raise examined.failure
        sop_instance_uid = self._pool.sop_instance_uid(path)
        found, notes = examined.analysed, examined.notes
        if found is None:
            return Prediction(sop_instance_uid, declined=examined.declined, notes=notes)
        return Prediction(sop_instance_uid, None, found.findings, found.converted, found.cam, notes, found.lungs)

    def predict_all(self, paths: Iterable[Path]) -> Iterator[tuple[Path, Outcome]]:
        """Each file with its outcome, in the order of `paths`; a bounded number of files is in work ahead."""
        ahead_max = AHEAD_PER_CHILD * self._pool.processes
        in_work: deque[tuple[Path, Future[Outcome]]] = deque()
        with ThreadPoolExecutor(2 * self._pool.processes, "predict") as threads:
            try:
                for path in paths:
                    in_work.append((path, threads.submit(self._outcome, path)))
                    if len(in_work) >= ahead_max:
                        yield _next(in_work)
                while in_work:
                    yield _next(in_work)
            finally:
                threads.shutdown(wait=False, cancel_futures=True)

    def _outcome(self, path: Path) -> Outcome:
        try:
            return self.predict(path)
        except (ConverterError, HilumError) as error:
            return error


def _next(in_work: deque[tuple[Path, Future[Outcome]]]) -> tuple[Path, Outcome]:
    path, future = in_work.popleft()
    return path, future.result()
