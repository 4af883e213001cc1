"""What earlier runs say of the training images: the soft half of a student's targets, computed once and kept."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from training.data.cohorts import Example
from training.data.images import CACHE, cache_key, channels_last, load_model_inputs
from training.learning.recipe import Recipe, load_recipe

BATCH = 128


def soft_targets(recipe: Recipe, examples: Sequence[Example]) -> NDArray[np.float32] | None:
    """[images, findings]: the mean probability over teachers and, where a recipe lets films be mirrored, mirror images.

    A student cannot pay for an ensemble or a second look in service; it can learn their answer. None without teachers.
    Ends the program when a teacher knows other findings, or looks at a frame.
    """
    if not recipe.teachers:
        return None
    answers = [_answer(Path(run), recipe, examples) for run in recipe.teachers.runs]
    return np.asarray(np.mean(answers, axis=0), dtype=np.float32)


def _answer(run: Path, recipe: Recipe, examples: Sequence[Example]) -> NDArray[np.float32]:
    teacher = load_recipe(run / "recipe.yaml")
    if teacher.finding_names != recipe.finding_names:
        raise SystemExit(f"{run}: knows {', '.join(teacher.finding_names)}, not {', '.join(recipe.finding_names)}")
    if teacher.frame is not None:
        raise SystemExit(f"{run}: looks at a frame round the lungs; only a run that takes whole films can be a teacher")
    weights = run / "weights.keras"
    if not weights.is_file():
        raise SystemExit(f"{weights}: no such file; has this teacher come to its end?")
    taught = hashlib.sha256(weights.read_bytes()).hexdigest()
    seen = f"teacher {taught} {bool(teacher.augmentation.flip)} {teacher.input.model_dump_json()}"
    kept = CACHE / f"teacher-{cache_key(seen, examples)}.npy"
    if not kept.exists():
        network = keras.models.load_model(weights, compile=False)
        inputs = channels_last(load_model_inputs(examples, teacher.input), teacher.input)
        views = [inputs, inputs[:, :, ::-1]] if teacher.augmentation.flip else [inputs]
        answer = np.mean([network.predict(view, batch_size=BATCH, verbose=0)[0] for view in views], axis=0)
        CACHE.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(f".{os.getpid()}.part.npy")  # another process may ask the same teacher
        np.save(part, answer.astype(np.float32))
        part.replace(kept)
    loaded: NDArray[np.float32] = np.load(kept)
    return loaded
