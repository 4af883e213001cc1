"""Finds tensors of an ONNX graph that lie in another file: a graph is what its hash says, and nothing from beside it.

ONNX Runtime reads such a file relative to the current folder, wherever the graph itself came from. The graph is walked
as protobuf, without building it: a table says in which fields of which message a tensor may lie.
"""

from __future__ import annotations

from collections.abc import Iterator

from scp_node.errors import ModelUnusable

# onnx.proto3: message -> number of a field -> the message in it. Everything else is stepped over.
FIELDS: dict[str, dict[int, str]] = {
    "Model": {7: "Graph", 20: "Training", 25: "Function"},
    "Training": {1: "Graph", 2: "Graph"},
    "Function": {7: "Node", 11: "Attribute"},
    "Graph": {1: "Node", 5: "Tensor", 15: "SparseTensor"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "SparseTensor", 23: "SparseTensor"},
    "SparseTensor": {1: "Tensor", 2: "Tensor"},
    "Tensor": {},
}
EXTERNAL_DATA, DATA_LOCATION = 13, 14
DEPTH_MAX = 200
VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5


def refuse_external_data(graph: bytes, where: str) -> None:
    """Raise ModelUnusable where a tensor of `graph`, at any depth, lies in another file, or `graph` is no protobuf."""
    waiting = [("Model", memoryview(graph), 0)]
    try:
        while waiting:
            kind, message, depth = waiting.pop()
            if depth > DEPTH_MAX:
                raise ValueError("too deep")
            for field, value in _fields(message):
                if kind == "Tensor" and (field == EXTERNAL_DATA or (field == DATA_LOCATION and value != 0)):
                    raise ModelUnusable(
                        f"{where}: keeps weights in another file (external data), which no hash covers. Save the model "
                        "in one file."
                    )
                inner = FIELDS[kind].get(field)
                if inner is not None and isinstance(value, memoryview):
                    waiting.append((inner, value, depth + 1))
    except (ValueError, IndexError) as error:
        raise ModelUnusable(f"{where}: is no ONNX graph ({error})") from error


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field: a number, or the bytes of what is longer. Raises ValueError, IndexError."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        if kind == BYTES:
            length, at = _varint(message, at)
        elif kind in (EIGHT_BYTES, FOUR_BYTES):
            length = 8 if kind == EIGHT_BYTES else 4
        else:
            raise ValueError(f"a field of kind {kind}")
        if length > len(message) - at:
            raise ValueError("ends too early")
        yield key >> 3, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """The number at `at`, and what follows it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & (1 << 64) - 1, at
    raise ValueError("a number without end")
