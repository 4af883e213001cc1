"""Calibration inside the network: afterwards the map is the calibrated evidence, and its mean the calibrated logit.

The linear part goes into the weights of the head. The bent part of an isotonic one needs the mean of the map first:
what it adds to that mean is added to every place alike, so that places keep their differences and
sigmoid(mean(cam)) = probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import keras
import numpy as np
from keras import layers

from converter.package.calibration import Calibration
from training.learning.zoo.head import BIAS, head_of
from training.packaging.both_sides import both_sides


def fold(network: keras.Model, calibrations: Sequence[Calibration], raised_rows: int | None = None) -> keras.Model:
    """A copy of `network` that gives calibrated answers; one calibration a finding, in the order of the outputs. With
    `raised_rows` they are those of `both_sides`."""
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    head = head_of(copy)
    kernel, bias = head.get_weights()
    divisors = np.array([one.temperature for one in calibrations], dtype=np.float64)
    offsets = np.array([one.bias for one in calibrations], dtype=np.float64)
    head.set_weights([kernel / divisors, bias / divisors + offsets])
    if raised_rows is not None:
        copy = both_sides(copy, raised_rows)
    if all(one.method != "isotonic" for one in calibrations):
        return copy
    _, cam = copy.outputs
    mean = layers.GlobalAveragePooling2D(name="mean_of_map")(cam)
    shift = layers.Reshape((1, 1, len(calibrations)), name="shift")(_added_to_the_mean(mean, calibrations))
    calibrated = layers.Add(name="calibrated_cam")([cam, shift])
    logit = layers.GlobalAveragePooling2D(name="calibrated_logit")(calibrated)
    probability = layers.Activation("sigmoid", name="calibrated_probability")(logit)
    return keras.Model(copy.inputs, [probability, calibrated], name=network.name)


def _added_to_the_mean(mean: keras.KerasTensor, calibrations: Sequence[Calibration]) -> keras.KerasTensor:
    """[N, findings]: what each curve adds, as a sum of ramps that begin at its knots."""
    ramps = [ramp for number, one in enumerate(calibrations) for ramp in _ramps(number, one)]
    first, second = np.zeros((len(calibrations), len(ramps))), np.zeros((len(ramps), len(calibrations)))
    starts = np.zeros(len(ramps))
    for place, (number, start, slope) in enumerate(ramps):
        first[number, place], starts[place], second[place, number] = 1, -start, slope
    constants = np.array([one.knots[0].calibrated - one.knots[0].raw if one.knots else 0 for one in calibrations])
    ramp = layers.Dense(len(ramps), activation="relu", bias_initializer=BIAS, name="ramps")
    total = layers.Dense(len(calibrations), bias_initializer=BIAS, name="ramps_together")
    added = total(ramp(mean))
    ramp.set_weights([first, starts])
    total.set_weights([second, constants])
    return added


def _ramps(number: int, calibration: Calibration) -> list[tuple[int, float, float]]:
    """(finding, logit where it begins, change of slope) of each corner; slope 1 before the first and after the last."""
    slopes = [1.0, *((b.calibrated - a.calibrated) / (b.raw - a.raw) for a, b in pairwise(calibration.knots)), 1.0]
    return [
        (number, knot.raw, after - before)
        for knot, (before, after) in zip(calibration.knots, pairwise(slopes), strict=False)
    ]
