"""How long one image takes: parts of a package's graph, and its network by Keras and TensorFlow, in turn."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from training.data.images import channels_last
from training.learning.recipe import load_recipe
from training.packaging.canonical import canonical, cut

WARM_UP_ROUNDS = 5
PROBABILITY, CAM, GATE = "probability", "cam", "gate"
Run = Callable[[NDArray[np.float32]], object]
# Milliseconds of each round, by the clock and of the processor.
Times = dict[str, list[tuple[float, float]]]


def variants(graph: onnx.ModelProto) -> dict[str, onnx.ModelProto]:
    """The plain network first, then what map and gate add to it."""
    names = [value.name for value in graph.graph.output]
    found = {"plain": plain(graph), "with map": cut(graph, [PROBABILITY, CAM])}
    if GATE in names:
        found["with map and gate"] = cut(graph, names)
    return found


def plain(graph: onnx.ModelProto) -> onnx.ModelProto:
    """The network as one would build it without a map: the features are averaged first, the head follows.

    A 1x1 convolution and a mean may change places, so that the answers stay the same.
    """
    part = cut(graph, [PROBABILITY])
    producer = {made: node for node in part.graph.node for made in node.output}
    for pooling in [node for node in part.graph.node if node.op_type == "GlobalAveragePool"]:
        head = producer.get(pooling.input[0])
        kernel = [] if head is None else [a.ints for a in head.attribute if a.name == "kernel_shape"]
        if head is not None and head.op_type == "Conv" and kernel and set(kernel[0]) == {1}:
            features, mean = head.input[0], pooling.output[0]
            pooling.input[0], pooling.output[0] = features, "mean_of_features"
            head.input[0], head.output[0] = "mean_of_features", mean
    return canonical(part)


def onnx_run(graph: onnx.ModelProto, name: str, threads: int) -> Run:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda image: session.run(None, {name: image})


def keras_runs(recipe_file: Path, threads: int, saved: Path) -> dict[str, Run]:
    """The recipe's network by Keras and as a SavedModel; both take channels last, which suits them best.

    Ends the program for a recipe with a frame.
    """
    recipe = load_recipe(recipe_file)
    if recipe.frame is not None:
        raise SystemExit(
            f"{recipe_file}: its network takes a frame that the graph of the package cuts out of the film, so that "
            "Keras would be timed without it: leave --recipe out"
        )
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    from training.learning.zoo import build

    network = build(recipe.network, recipe.input, len(recipe.findings))
    network.export(saved, verbose=False)
    loaded = tf.saved_model.load(saved)  # holds the variables
    return {
        "TensorFlow SavedModel": lambda image: loaded.serve(tf.constant(channels_last(image, recipe.input))),
        "Keras, called": lambda image: network(channels_last(image, recipe.input), training=False),
        "Keras predict": lambda image: network.predict(channels_last(image, recipe.input), verbose=0),
    }


def measure(runs: dict[str, Run], images: NDArray[np.float32], rounds: int) -> Times:
    """The times of each run in each round. The runs take turns, and begin with another one each round."""
    times: Times = {name: [] for name in runs}
    order = list(runs)
    for number in range(-WARM_UP_ROUNDS, rounds):
        image = images[number % len(images)][np.newaxis]
        for name in order[number % len(order) :] + order[: number % len(order)]:
            started = time.perf_counter(), time.process_time()
            runs[name](image)
            ended = time.perf_counter(), time.process_time()
            if number >= 0:
                times[name].append((1000 * (ended[0] - started[0]), 1000 * (ended[1] - started[1])))
    return times


def figures(times: Times) -> dict[str, dict[str, float]]:
    """Medians, spread and the ratios of medians to the first run, which is the plain network."""
    first = np.median(next(iter(times.values())), axis=0)
    found = {}
    for name, taken in times.items():
        median, (low, high) = np.median(taken, axis=0), np.percentile([clock for clock, _ in taken], [10, 90])
        numbers = {"median_ms": median[0], "p10_ms": low, "p90_ms": high, "ratio": median[0] / first[0]}
        numbers |= {"processor_ms": median[1], "processor_ratio": median[1] / first[1]}
        found[name] = {key: round(float(number), 3) for key, number in numbers.items()}
    return found


def table(found: dict[str, dict[str, float]]) -> list[str]:
    lines = [
        "| | median ms | p10 to p90 | to the plain network | processor ms | to the plain network |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in found.items():
        lines.append(
            f"| {name} | {one['median_ms']:.2f} | {one['p10_ms']:.2f} to {one['p90_ms']:.2f} | {one['ratio']:.2f} | "
            f"{one['processor_ms']:.2f} | {one['processor_ratio']:.2f} |"
        )
    return lines
