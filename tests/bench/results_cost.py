"""CPU time of the result objects of one image: from templates and tables, and as highdicom and the formula make them.

    python -m tests.bench.results_cost --rounds 30

Each round makes every object both ways, one after the other; the ratio is that of one round. Thread CPU time, so that
neighbours on the machine disturb little.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.uid import Comprehensive3DSRStorage

from converter.image.gray_image import IDENTITY_AFFINE
from converter.result.encode import to_bytes
from converter.result.findings import HeatmapInput, StudyReport
from converter.result.map_colours import blend, overlay
from converter.result.secondary_capture import build_heatmap
from converter.result.structured_report import build_structured_report
from converter.result.template import built
from tests.support.dicom.part10 import as_pydicom_writes
from tests.support.dicom.sources import dx_full, lateral
from tests.support.results.reports import ALGORITHM, a_cam, a_study_report, an_identity, an_image

SIDE = 1536
PREVIEW = (1536, 1258)

Work = Callable[[], object]


def report_pair(report: StudyReport) -> tuple[Work, Work]:
    return (
        lambda: to_bytes(build_structured_report(report, Comprehensive3DSRStorage, "source")),
        lambda: as_pydicom_writes(build_structured_report(report, Comprehensive3DSRStorage, "source", built)),
    )


def blended(gray: NDArray[np.uint8], attention: NDArray[np.float32]) -> NDArray[np.uint8]:
    """What `overlay` does, by computing the colours of each pixel."""
    return blend(gray, np.clip(attention * 255, 0, 255).astype(np.uint8))


def pairs() -> dict[str, tuple[Work, Work | None]]:
    """By name: the way the node goes, and the way it is compared with, where there is one."""
    one = a_study_report([an_image(dx_full())])
    many = a_study_report([an_image(dx_full(number), 0.9, 0.1) for number in (1, 11, 12)], [lateral()])
    noise = np.random.default_rng(1).integers(0, 256, PREVIEW, dtype=np.uint8)
    preview = np.asarray(cv2.GaussianBlur(noise, (0, 0), 3), np.uint8)
    attention = np.random.default_rng(2).random(PREVIEW, dtype=np.float32)
    image = an_image(dx_full())
    heatmap = HeatmapInput(image, image.findings[0], preview, IDENTITY_AFFINE, a_cam())
    identity = an_identity(one.identity.study_instance_uid)

    def secondary_capture() -> object:
        return to_bytes(build_heatmap(heatmap, identity, ALGORITHM, SIDE, "source"))

    return {
        "SR, 1 image, 1 finding": report_pair(one),
        "SR, 3 images, 2 findings, 1 declined": report_pair(many),
        "overlay of {1} x {0}".format(*PREVIEW): (
            lambda: overlay(preview, attention),
            lambda: blended(preview, attention),
        ),
        f"SC, side {SIDE}, drawn and encoded": (secondary_capture, None),
    }


def cpu_ms(work: Work) -> float:
    began = time.thread_time()
    work()
    return 1000 * (time.thread_time() - began)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    print(
        f"{rounds} rounds\n\n| object | ms, median | compared with | ratio min / median / max |\n|---|---:|---:|---:|"
    )
    for name, (work, other) in pairs().items():
        spent: list[tuple[float, float]] = []
        for number in range(rounds + 1):
            measured = cpu_ms(work), cpu_ms(other) if other else 0.0
            if number:  # the first one makes templates and tables
                spent.append(measured)
        ours, theirs = (statistics.median(column) for column in zip(*spent, strict=True))
        ratios = sorted(their / our for our, their in spent)
        compared = f"{theirs:.2f} | {ratios[0]:.1f} / {statistics.median(ratios):.1f} / {ratios[-1]:.1f}"
        print(f"| {name} | {ours:.2f} | {compared if other else '- | -'} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
