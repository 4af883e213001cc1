"""How the answers of a package hold when some of a site's own films are changed (converter.evaluation.robustness)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.evaluation.changes import CHANGES, SIDE_MAX, Change, Gray
from converter.evaluation.robustness import LabelledFilms, ask, judge_answers
from scp_node.analysis.labelled_images import LabelledImage
from scp_node.inference.batcher import Batcher
from scp_node.inference.loaded_models import LoadedModel
from scp_node.inference.packages import ModelPackage
from scp_node.inference.session import InferenceSession
from scp_node.settings import Inference


def films_to_change(images: Sequence[LabelledImage], finding: str, films_max: int) -> list[Path]:
    """At most `films_max` of the images with an answer to `finding`, half of them with it where there are enough, each
    half evenly over the order of the images."""
    by_answer: dict[bool, list[Path]] = {True: [], False: []}
    for image in images:
        if finding in image.label.truth:
            by_answer[image.label.truth[finding]].append(image.path)
    chosen: list[Path] = []
    fewer, more = sorted(by_answer.values(), key=len)
    for paths, wanted in ((fewer, films_max // 2), (more, films_max)):
        number = min(len(paths), wanted - (len(chosen) if paths is more else 0))
        places = np.unique(np.linspace(0, len(paths) - 1, max(0, number)).astype(int)).tolist()
        chosen += [paths[place] for place in places]
    return chosen


class KeptFilms:
    """The previews of some films, small enough to be changed, taken on their way through an evaluation."""

    def __init__(self, wanted: Sequence[Path]) -> None:
        self._wanted = frozenset(wanted)
        self._films: dict[Path, NDArray[np.uint8]] = {}

    def keep(self, path: Path, preview: NDArray[np.uint8]) -> None:
        if path in self._wanted:
            factor = SIDE_MAX / max(preview.shape)
            size = tuple(max(1, round(side * factor)) for side in preview.shape[::-1])
            small = preview if factor >= 1 else cv2.resize(preview, size, interpolation=cv2.INTER_AREA)
            self._films[path] = np.asarray(small, dtype=np.uint8)

    def of(self, images: Sequence[LabelledImage]) -> list[tuple[LabelledImage, Gray]]:
        """The images that were kept, each with its gray values [H, W], 0..1."""
        return [
            (one, np.asarray(self._films[one.path] / np.float32(255), dtype=np.float32))
            for one in images
            if one.path in self._films
        ]


def changed_films(
    package: ModelPackage,
    kept: Sequence[tuple[LabelledImage, Gray]],
    name: str,
    threads: int = 0,
    watch: Callable[[str], None] = lambda _: None,
    changes: Sequence[Change] = CHANGES,
) -> list[dict[str, Any]]:
    """What `robustness` says of `kept`, an entry for each finding that some of them have an answer to; none without
    films. Raises what loading and inference raise."""
    if not kept:
        return []
    settings, manifest = Inference(), package.manifest
    limits = settings.gpu_required, settings.load_timeout_s, settings.run_timeout_s
    session = InferenceSession(package, settings.providers, threads or settings.threads, *limits)
    with closing(Batcher(session, settings.batch_size_max, 0.0)) as batcher:
        model = LoadedModel(manifest, batcher, session.provider)
        asked = ask([gray for _, gray in kept], model, changes, watch)
        found = []
        for place, finding in enumerate(manifest.findings):
            places = [n for n, (image, _) in enumerate(kept) if finding.name in image.label.truth]
            if places:
                several = f", {finding.concept.meaning}" if len(manifest.findings) > 1 else ""
                labelled = labelled_films([kept[n] for n in places], finding.name, f"{name}{several}")
                found.append(judge_answers(labelled, asked.of(places), model, place))
        return found


def labelled_films(kept: Sequence[tuple[LabelledImage, Gray]], finding: str, name: str) -> LabelledFilms:
    return LabelledFilms(
        name,
        [gray for _, gray in kept],
        np.array([image.label.truth[finding] for image, _ in kept], dtype=np.bool_),
        np.array([image.label.patient or f"file {image.path}" for image, _ in kept], dtype=np.str_),
    )
