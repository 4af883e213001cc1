"""Packages that reach out of their folder, never end or announce too much: a clear error in time, nothing loaded."""

from __future__ import annotations

import hashlib
import io
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scp_node.errors import ModelUnusable
from scp_node.inference.arrays_file import BROKEN_ARRAYS, read_arrays
from scp_node.inference.external_data import refuse_external_data
from scp_node.inference.packages import find_package, open_package, read_reference
from scp_node.inference.session import InferenceSession
from tests.support.models.onnx_bytes import (
    BOOL,
    FLOAT,
    Message,
    endless_loop,
    external_tensor,
    graph,
    graph_attribute,
    model,
    node,
    tensor,
    tensor_attribute,
    value_info,
)
from tests.support.models.tiny_model import TINY, copy_tiny

OUTSIDE = external_tensor("weights", [4], "weights.bin")
X, Y = value_info("x", FLOAT, [4]), value_info("y", FLOAT, [4])
USES = [node("Add", ["x", "weights"], ["y"])]


def within(body: Message) -> list[Message]:
    return [node("If", ["yes"], ["y"], graph_attribute("then_branch", body), graph_attribute("else_branch", body))]


EXTERNAL: dict[str, bytes] = {
    "an initializer": model(graph(USES, [X], [Y], [OUTSIDE])),
    "a constant": model(
        graph([node("Constant", [], ["weights"], tensor_attribute("value", OUTSIDE)), *USES], [X], [Y])
    ),
    "in a branch": model(graph(within(graph(USES, [], [Y], [OUTSIDE])), [X], [Y])),
    "in a branch of a branch": model(graph(within(graph(within(graph(USES, [], [Y], [OUTSIDE])), [], [Y])), [X], [Y])),
    "in a sparse tensor": model([*graph(USES, [X], [Y]), (15, [(1, OUTSIDE)])]),
    "in a function": model(
        graph(USES, [X], [Y]), (25, [(1, "f"), (7, node("Constant", [], ["w"], tensor_attribute("value", OUTSIDE)))])
    ),
}


@pytest.mark.parametrize("place", EXTERNAL)
def test_a_graph_with_weights_elsewhere_is_refused_wherever_it_names_them(place: str) -> None:
    with pytest.raises(ModelUnusable, match="external data"):
        refuse_external_data(EXTERNAL[place], "model.onnx")


def test_a_package_never_reads_what_lies_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "weights.bin").write_bytes(np.ones(4, "<f4").tobytes())
    monkeypatch.chdir(tmp_path / "here")
    folder = with_graph(tmp_path, EXTERNAL["an initializer"])
    with pytest.raises(ModelUnusable, match="external data"):
        InferenceSession(open_package(folder))


def test_shipped_and_golden_graphs_are_whole() -> None:
    refuse_external_data((TINY / "model.onnx").read_bytes(), "tiny")
    refuse_external_data(model(graph(USES, [X], [Y], [tensor("weights", FLOAT, [4], bytes(16))])), "one")


@pytest.mark.parametrize("content", [b"", b"\xff" * 100, b"\x0a\xff\xff\xff\x0f", EXTERNAL["a constant"][:40]])
def test_what_is_no_graph_is_an_error_of_ours(content: bytes, tmp_path: Path) -> None:
    folder = with_graph(tmp_path, content)
    with pytest.raises(ModelUnusable):
        InferenceSession(open_package(folder))


def test_a_graph_that_never_ends_is_given_up_when_it_is_loaded(tmp_path: Path) -> None:
    nothing, always = tensor("nothing", FLOAT, [1], bytes(4)), tensor("always", BOOL, [], b"\1")
    shown = [*endless_loop(), node("Add", ["image", "x"], ["probability"]), node("Identity", ["probability"], ["cam"])]
    inputs = [value_info("image", FLOAT, ["n", 1, 64, 64])]
    outputs = [value_info(name, FLOAT, ["n", 1, 64, 64]) for name in ("probability", "cam")]
    folder = with_graph(tmp_path, model(graph(shown, inputs, outputs, [nothing, always])))
    began = time.monotonic()
    with pytest.raises(ModelUnusable):
        InferenceSession(open_package(folder), ("cpu",), load_timeout_s=2)
    assert time.monotonic() - began < 20


def with_graph(models_dir: Path, content: bytes) -> Path:
    folder = copy_tiny(models_dir, onnx_sha256=hashlib.sha256(content).hexdigest())
    (folder / "model.onnx").write_bytes(content)
    return folder


def npy(header: str, data: bytes = b"") -> bytes:
    text = header.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + data


def zipped(content: bytes, announced: int | None = None) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inputs.npy", content)
    data = bytearray(file.getvalue())
    if announced is not None:
        at = data.rindex(b"PK\1\2")
        data[at + 24 : at + 28] = announced.to_bytes(4, "little")
    return bytes(data)


FOUR_TIB = "{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776,)}"
ARRAYS: dict[str, bytes] = {
    "4 TiB announced": zipped(npy(FOUR_TIB)),
    "a negative side": zipped(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}")),
    "objects": zipped(npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"cos\nsystem\n")),
    "a header of another language": zipped(npy("__import__('os').system('id')")),
    "a header nested too deep": zipped(npy("(" * 90)),
    "no array": zipped(b"text"),
    "no archive": b"text",
    "a bomb": zipped(bytes(2**26)),
    "a bomb that says it is small": zipped(
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", bytes(2**25)), 132
    ),
    "4 GiB in the directory": zipped(npy(FOUR_TIB), 2**32 - 1),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_reference_arrays_take_no_more_than_they_are(kind: str, tmp_path: Path) -> None:
    with pytest.raises(BROKEN_ARRAYS):
        read_arrays(ARRAYS[kind], ["inputs"], 2**24)
    folder = copy_tiny(tmp_path)
    (folder / "reference.npz").write_bytes(ARRAYS[kind])
    with pytest.raises(ModelUnusable):
        read_reference(open_package(folder))


def test_a_pinned_package_is_that_one_and_no_other(tmp_path: Path) -> None:
    folder = copy_tiny(tmp_path)
    pin = open_package(folder).pin
    assert pin.startswith("tiny@1.0.0#sha256:") and find_package(tmp_path, pin).pin == pin
    manifest = folder / "manifest.yaml"
    manifest.write_bytes(manifest.read_bytes() + b"\n")
    with pytest.raises(ModelUnusable, match="pinned"):
        find_package(tmp_path, pin)
    assert find_package(tmp_path, "tiny@1.0.0").pin != pin


WRONG_PINS: tuple[Callable[[str], str], ...] = (
    lambda pin: pin[:-1],
    lambda pin: pin.upper(),
    lambda pin: pin.replace("@1.0.0", ""),
    lambda pin: pin.replace("sha256", "sha1"),
    lambda pin: f"{pin}0",
    lambda pin: pin.replace("1.0.0", "1.0.1"),
)


@pytest.mark.parametrize("number", range(len(WRONG_PINS)))
def test_a_pin_that_is_none_finds_nothing(tmp_path: Path, number: int) -> None:
    pin = open_package(copy_tiny(tmp_path)).pin
    with pytest.raises(ModelUnusable):
        find_package(tmp_path, WRONG_PINS[number](pin))


def test_a_link_beside_the_package_is_not_followed_out_of_it(tmp_path: Path) -> None:
    folder = copy_tiny(tmp_path)
    (folder / "model.onnx").rename(tmp_path / "elsewhere.onnx")
    (folder / "model.onnx").symlink_to(tmp_path / "elsewhere.onnx")
    with pytest.raises(ModelUnusable):
        open_package(folder).read_weights()
