"""The mean of the weights of several runs, place by place (Wortsman et al., Model soups, 2022).

Only runs of one line have such a mean: weights that never were the same do not match place by place.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras

from training.learning.run_folder import WEIGHTS


def mean_of(parts: Sequence[tuple[Path, float]]) -> keras.Model:
    """A network with the mean of every weight, each run by its share; ends the program where the networks differ."""
    networks = [keras.models.load_model(run / WEIGHTS, compile=False) for run, _ in parts]
    weights = [network.get_weights() for network in networks]
    shapes = [[weight.shape for weight in one] for one in weights]
    for (run, _), found in zip(parts, shapes, strict=True):
        if found != shapes[-1]:
            raise SystemExit(f"{run}: another network than that of {parts[-1][0]}")
    together = zip(*weights, strict=True)
    means = [sum(share * one for (_, share), one in zip(parts, each, strict=True)) for each in together]
    networks[-1].set_weights(means)
    return networks[-1]
