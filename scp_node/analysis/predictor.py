"""One file in, one prediction out, without node or network: decode in a child, score, judge."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converter.declined import Declined
from converter.errors import ConverterError, Undecodable
from converter.image.convert import Converted
from converter.package.manifest import Manifest
from converter.result.findings import Finding
from converter.result.regions import attention_region
from scp_node.analysis.judge import gate_refusal, judge
from scp_node.decode.pool import DecodePool
from scp_node.errors import HilumError
from scp_node.inference.batcher import Batcher

# Files in progress, for each decoding child: enough that none waits, few enough that previews fit in memory.
AHEAD_PER_CHILD = 4


@dataclass(frozen=True)
class Prediction:
    """`declined`, or the findings and what they were drawn from: `converted`, and `cam` [findings, h, w]."""

    sop_instance_uid: str | None
    declined: Declined | None = None
    findings: tuple[Finding, ...] = ()
    converted: Converted | None = None
    cam: NDArray[np.float32] | None = None


Outcome = Prediction | ConverterError | HilumError


class Predictor:
    """Predicts with one loaded model; does not own the pool and the batcher."""

    def __init__(
        self,
        manifest: Manifest,
        pool: DecodePool,
        batcher: Batcher,
        preview_side_max: int,
        pixels_max: int,
        use_gate: bool = True,
    ) -> None:
        self._manifest, self._pool, self._batcher, self._use_gate = manifest, pool, batcher, use_gate
        self._preview_side_max, self._pixels_max = preview_side_max, pixels_max

    def predict(self, path: Path) -> Prediction:
        """Analyse one file. Pixels that cannot be decoded are a refusal, as for the node.

        Raises Unreadable, DecodeFailed, InferenceFailed, OutOfResources.
        """
        manifest = self._manifest
        try:
            converted = self._pool.convert(
                path, manifest.input, manifest.intended_use, self._preview_side_max, self._pixels_max
            )
        except Undecodable as error:
            converted = Declined("undecodable", str(error))
        sop_instance_uid = self._pool.sop_instance_uid(path)
        if isinstance(converted, Declined):
            return Prediction(sop_instance_uid, declined=converted)
        scores = self._batcher.score(converted.model_input)
        refused = gate_refusal(manifest, scores) if self._use_gate else None
        if refused is not None:
            return Prediction(sop_instance_uid, declined=refused)
        cam = scores.cam[0]
        findings = tuple(
            _with_region(finding, activation, converted)
            for finding, activation in zip(judge(manifest, scores.probability[0]), cam, strict=True)
        )
        return Prediction(sop_instance_uid, findings=findings, converted=converted, cam=cam)

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


def _with_region(finding: Finding, cam: NDArray[np.float32], converted: Converted) -> Finding:
    if not finding.positive:
        return finding
    shape, affine, source_shape = converted.preview.shape, converted.preview_to_source, converted.source_shape
    return replace(finding, region=attention_region(cam, shape, affine, source_shape))
