"""How long each decoder of each transfer syntax takes for one radiograph, in interleaved rounds.

    python -m tests.bench.decoders --rounds 5

CPU time of the process (of the child for DCMTK, its start included). Ratios are to the node's first decoder of the same
round. Every result is compared with the first one, pixel by pixel. Prints a table; the order of the decoders in
converter/image/transfer_syntaxes.py is that of this table.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from converter.image.decode import checked_codestream
from converter.image.decoders import decode_pixels
from converter.image.pixel_layout import read_layout
from converter.image.transfer_syntaxes import TRANSFER_SYNTAXES, Decoder, TransferSyntax
from converter.phantom.chest_sketch import sketch_chest
from tests.support.dicom.codecs import OTHER_DECODERS, encoded

Decode = Callable[[Dataset], NDArray[Any]]


def candidates(syntax: TransferSyntax) -> dict[str, Decode]:
    """The decoders of the table in their order, then the others."""
    own = {f"{decoder.package} {decoder.name}": _by(syntax, decoder) for decoder in syntax.decoders}
    return own | {f"({name})": other for name, other in OTHER_DECODERS[syntax.uid].items()}


def _by(syntax: TransferSyntax, decoder: Decoder) -> Decode:
    one = TransferSyntax(syntax.uid, syntax.name, (decoder,), syntax.lossless)

    def by_one(ds: Dataset) -> NDArray[Any]:
        layout = read_layout(ds)
        return decode_pixels(checked_codestream(ds, ds.PixelData, 0, layout, one), layout, one).pixels

    return by_one


def cpu_ms() -> float:
    times = os.times()
    return 1000 * (times.user + times.system + times.children_user + times.children_system)


def measure(ds: Dataset, decoders: dict[str, Decode], rounds: int) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Milliseconds of each round by decoder, and the largest difference to the first decoder's pixels."""
    spent: dict[str, list[float]] = {name: [] for name in decoders}
    results = {name: np.asarray(run(ds)).astype(np.int64) for name, run in decoders.items()}
    first = next(iter(results.values()))
    repeats = 3  # os.times counts hundredths of a second
    for _ in range(rounds):
        for name, run in decoders.items():
            began = cpu_ms()
            for _ in range(repeats):
                run(ds)
            spent[name].append((cpu_ms() - began) / repeats)
    return spent, {name: int(np.abs(pixels - first).max()) for name, pixels in results.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=3048)
    parser.add_argument("--columns", type=int, default=2500)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    film = sketch_chest(arguments.rows, arguments.columns)
    print(f"{arguments.rows} x {arguments.columns}, 12 bits (JPEG Baseline: 8), {arguments.rounds} rounds, CPU ms\n")
    print("| transfer syntax | decoder (in brackets: not in the table) | min | median | ratio | largest difference |")
    print("|---|---|---:|---:|---:|---:|")
    for syntax in TRANSFER_SYNTAXES:
        if not syntax.encapsulated:
            continue
        dtype, bits = ("u1", 8) if syntax.name == "JPEG Baseline" else ("u2", 12)
        ds = encoded(np.rint(film * ((1 << bits) - 1)).astype(dtype), syntax.uid, bits)
        spent, differences = measure(ds, candidates(syntax), arguments.rounds)
        first = next(iter(spent.values()))
        for name, values in spent.items():
            ratio = statistics.median(one / other for one, other in zip(values, first, strict=True))
            print(
                f"| {syntax.name} | {name} | {min(values):.0f} | {statistics.median(values):.0f} | {ratio:.2f} | "
                f"{differences[name]} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
