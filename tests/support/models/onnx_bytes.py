"""Writes ONNX graphs byte by byte, those too that no maker of graphs would write: protobuf needs no more than this.

Numbers of fields are those of onnx.proto3. A message is a list of (field, value): a number, text, bytes, or a message.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Message = list[tuple[int, Any]]
FLOAT, INT64, BOOL = 1, 7, 9
EXTERNAL = 1


def encoded(message: Message) -> bytes:
    return b"".join(_field(number, value) for number, value in message)


def _field(number: int, value: Any) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = encoded(value) if isinstance(value, list) else value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def tensor(name: str, kind: int, shape: Sequence[int], raw: bytes) -> Message:
    return [*((1, side) for side in shape), (2, kind), (8, name), (9, raw)]


def external_tensor(name: str, shape: Sequence[int], location: str) -> Message:
    place = [(1, "location"), (2, location)]
    return [*((1, side) for side in shape), (2, FLOAT), (8, name), (13, place), (14, EXTERNAL)]


def value_info(name: str, kind: int, shape: Sequence[int | str]) -> Message:
    sides = [(1, [(1, side) if isinstance(side, int) else (2, side)]) for side in shape]
    return [(1, name), (2, [(1, [(1, kind), (2, sides)])])]


def attribute(name: str, field: int, value: Any, kind: int) -> Message:
    return [(1, name), (field, value), (20, kind)]


def tensor_attribute(name: str, value: Message) -> Message:
    return attribute(name, 5, value, 4)


def graph_attribute(name: str, value: Message) -> Message:
    return attribute(name, 6, value, 5)


def node(operator: str, inputs: Sequence[str], outputs: Sequence[str], *attributes: Message) -> Message:
    named = [(1, one) for one in inputs] + [(2, one) for one in outputs]
    return [*named, (4, operator), *((5, one) for one in attributes)]


def graph(
    nodes: Sequence[Message], inputs: Sequence[Message], outputs: Sequence[Message], constants: Sequence[Message] = ()
) -> Message:
    return [
        *((1, one) for one in nodes),
        (2, "graph"),
        *((5, one) for one in constants),
        *((11, one) for one in inputs),
        *((12, one) for one in outputs),
    ]


def model(main: Message, *more: tuple[int, Any], opset: int = 17) -> bytes:
    return encoded([(1, 8), (7, main), (8, [(1, ""), (2, opset)]), *more])


def endless_loop() -> list[Message]:
    """Nodes that add to `nothing` for ever; `x` is what comes out of them."""
    body = graph(
        [node("Identity", ["again"], ["more"]), node("Add", ["so_far", "one"], ["sum"])],
        [value_info("turn", INT64, []), value_info("again", BOOL, []), value_info("so_far", FLOAT, [1])],
        [value_info("more", BOOL, []), value_info("sum", FLOAT, [1])],
        [tensor("one", FLOAT, [1], b"\0\0\x80\x3f")],
    )
    return [node("Loop", ["", "always", "nothing"], ["x"], graph_attribute("body", body))]
