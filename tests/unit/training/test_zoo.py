"""Halving the resolution leaves the map where the picture is."""

from __future__ import annotations

import importlib.util
import itertools
import warnings

import pytest

from training.learning.network_shapes import Residual

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow ([training]) not installed"),
    pytest.mark.filterwarnings("ignore"),
]


def offset(paddings: list[tuple[int, int]]) -> float:
    """By how many image pixels the centre of the first output lies beside that of what its kernels are centred on."""
    seen, wanted = 0.0, 0.0
    for halving, (before, _) in enumerate(paddings):
        pixel = 2.0**halving
        seen += (1 - before) * pixel  # the kernel of output 0 is centred on input 1 - before
        wanted += pixel / 2  # output 0 stands for the inputs 0 and 1
    return seen - wanted


@pytest.mark.parametrize("halvings", [1, 2, 3, 4, 5])
def test_paddings_leave_half_a_pixel_and_no_order_leaves_less(halvings: int) -> None:
    from training.learning.zoo.residual import halving_paddings

    paddings = halving_paddings(halvings)
    others = [offset(list(order)) for order in itertools.product([(0, 1), (1, 0)], repeat=halvings)]
    assert abs(offset(paddings)) == min(map(abs, others)) == 0.5


def test_padding_at_the_end_alone_would_shift_the_map_by_half_a_cell() -> None:
    assert offset([(0, 1)] * 4) == 7.5


def test_the_mean_over_all_paths_is_centred() -> None:
    from training.learning.zoo.residual import halving_paddings

    stem, *blocks = halving_paddings(4)
    steps = [[offset([stem])]]
    for halving, (before, _) in enumerate(blocks, start=1):
        steps.append([0.0, (0.5 - before) * 2**halving])  # shortcut, convolutions
    paths = [sum(path) for path in itertools.product(*steps)]
    assert sum(paths) / len(paths) == 0


def test_network_pads_explicitly_wherever_it_halves() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import keras

        from converter.package.network import InputSpec
        from training.learning.zoo.residual import halving_paddings, residual_network
    spec = InputSpec.model_validate(
        {"height": 32, "width": 32, "layout": "NCHW", "normalisation": {"name": "centre-standardise"}}
    )
    network = residual_network(Residual(stem=2, stages=(3, 4, 5), strides=(2, 1, 2), dropout=0), spec)
    pads = [layer.padding for layer in network.layers if isinstance(layer, keras.layers.ZeroPadding2D)]
    halving = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D) and layer.strides == (2, 2)]
    assert pads == [(padding, padding) for padding in halving_paddings(3)]
    assert [layer.padding for layer in halving] == ["valid"] * 3
    assert network.output_shape[1] == (None, 4, 4, 1)
