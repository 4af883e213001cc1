"""python -m training.train RECIPE: teach a network, keep its averaged weights and everything that made them.

The run lands in training/runs/NAME: recipe.yaml, arguments.json, split.csv, history.jsonl, weights.keras.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from converter.evaluation.metrics import auc
from training.batches import BatchSource
from training.cohorts import data_folder, load_examples
from training.images import channels_last, load_model_inputs, load_training_images
from training.recipe import Recipe, load_recipe
from training.splits import check_splits, save_split, select
from training.zoo import build

RUNS = Path("training/runs")
PROGRESS_S = 240.0


def main() -> None:
    # 1. arguments
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--name", required=True, help="the run's folder under training/runs")
    parser.add_argument("--data", type=Path, help="folder with manifest.csv (default: HILUM_DATA)")
    parser.add_argument("--minutes", type=float, default=math.inf, help="end the schedule by then, with fewer steps")
    parser.add_argument("--start-from", type=Path, help="an earlier run, whose weights this one refines")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    recipe = load_recipe(arguments.recipe)
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    keras.utils.set_random_seed(recipe.seed)
    run = RUNS / arguments.name
    run.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(arguments.recipe, run / "recipe.yaml")
    (run / "arguments.json").write_text(json.dumps(vars(arguments), default=str, indent=2) + "\n", encoding="utf-8")

    # 2. data
    folder = data_folder(arguments.data)
    examples = load_examples(folder)
    check_splits(examples)
    save_split(run / "split.csv", [example for example in examples if example.cohort in recipe.cohorts], folder)
    learning = select(examples, "train", recipe.cohorts)
    watched = select(examples, "val", recipe.cohorts)
    source = BatchSource(recipe, learning, load_training_images(learning))
    watched_inputs = channels_last(load_model_inputs(watched, recipe.input), recipe.input)
    watched_labels = np.array([example.positive for example in watched])
    watched_cohorts = np.array([example.cohort for example in watched])

    # 3. network: one that learns, one that holds the average of its weights
    network = build(recipe.network, recipe.input, len(recipe.findings))
    averaged = build(recipe.network, recipe.input, len(recipe.findings))
    if arguments.start_from:
        network.load_weights(arguments.start_from / "weights.keras")
    averaged.set_weights(network.get_weights())
    optimizer = keras.optimizers.AdamW(recipe.learning_rate, weight_decay=recipe.weight_decay)
    step = training_step(network, averaged, optimizer)
    print(f"{network.count_params():,} parameters, {len(learning)} images to learn from, {len(watched)} watched")

    # 4. loop
    started = time.monotonic()
    next_report_s = PROGRESS_S
    with (run / "history.jsonl").open("w", encoding="utf-8") as history:
        for number, batch in enumerate(source.batches(recipe.steps)):
            elapsed_s = time.monotonic() - started
            progress = max(number / recipe.steps, elapsed_s / 60 / arguments.minutes)
            if progress >= 1:
                break
            optimizer.learning_rate.assign(learning_rate(recipe, number, progress))
            keep = min(recipe.averaging, number / (number + 50.0))
            loss = step(batch.images, batch.targets, tf.constant(keep, tf.float32))
            if elapsed_s >= next_report_s or number == 20:
                next_report_s = max(next_report_s, elapsed_s + PROGRESS_S)
                scores = averaged.predict(watched_inputs, batch_size=128, verbose=0)[0][:, 0]
                record = {"step": number, "seconds": round(elapsed_s), "loss": round(float(loss), 4)}
                record |= auc_by_cohort(watched_labels, scores, watched_cohorts)
                history.write(json.dumps(record) + "\n")
                history.flush()
                print(json.dumps(record), flush=True)

    # 5. report
    averaged.save(run / "weights.keras")
    scores = averaged.predict(watched_inputs, batch_size=128, verbose=0)[0][:, 0]
    final = auc_by_cohort(watched_labels, scores, watched_cohorts)
    outcome = {
        "stages": [*earlier_stages(arguments.start_from), f"{arguments.recipe}, {number + 1} steps"],
        "seconds": round(time.monotonic() - started),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "val_auc": final,
    }
    (run / "outcome.json").write_text(json.dumps(outcome, indent=2) + "\n", encoding="utf-8")
    print(f"{run / 'weights.keras'}: {json.dumps(outcome)}")


def training_step(
    network: keras.Model, averaged: keras.Model, optimizer: keras.optimizers.Optimizer
) -> tf.types.experimental.PolymorphicFunction:
    """One step of gradient descent, after which `averaged` moves a little towards `network`."""
    pairs = [
        (mean.value, learned.value)
        for mean, learned in zip(averaged.weights, network.weights, strict=True)
        if learned.dtype == "float32"
    ]

    @tf.function  # type: ignore[untyped-decorator]
    def step(images: tf.Tensor, targets: tf.Tensor, keep: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            cam = network(images, training=True)[1]
            logit = tf.reduce_mean(cam, (1, 2))[:, 0]
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(targets, logit))
        optimizer.apply(tape.gradient(loss, network.trainable_weights), network.trainable_weights)
        for mean, learned in pairs:
            mean.assign(keep * mean + (1 - keep) * learned)
        return loss

    return step


def learning_rate(recipe: Recipe, step: int, progress: float) -> float:
    """Linear warm-up, then a half cosine down to a hundredth."""
    cosine = 0.5 * (1 + math.cos(math.pi * progress))
    return recipe.learning_rate * min(1.0, (step + 1) / recipe.warmup_steps) * max(0.01, cosine)


def auc_by_cohort(
    positive: NDArray[np.bool_], scores: NDArray[np.float32], cohorts: NDArray[np.str_]
) -> dict[str, float]:
    return {
        str(cohort): round(auc(positive[cohorts == cohort], scores[cohorts == cohort]), 4)
        for cohort in np.unique(cohorts)
    }


def earlier_stages(run: Path | None) -> list[str]:
    """The recipes and steps that made the weights this run started from."""
    return json.loads((run / "outcome.json").read_text(encoding="utf-8"))["stages"] if run else []


if __name__ == "__main__":
    main()
