"""THIRD-PARTY-NOTICES.txt: the licence texts of everything that a production install brings."""

from __future__ import annotations

from collections.abc import Sequence

from tests.supply.licences import licence_of
from tests.supply.wheels import Wheel

HEAD = """\
Third-party notices of Hilum

Hilum itself is licensed under Apache-2.0. A production install brings the distributions below, each under its own
licence; nothing of them is inside Hilum's wheel. The texts are those of their wheels, parts that a wheel bundles
included. An install for GPUs also brings onnxruntime-gpu, under the terms of onnxruntime, and NVIDIA's libraries,
under the terms that their own distributions hold. Made from requirements.lock by `make sbom`.
"""
_RULE = "=" * 100


def notices(wheels: Sequence[Wheel]) -> str:
    """One section a distribution. Raises LookupError for one without a licence or without a text."""
    return HEAD + "".join(_section(wheel) for wheel in wheels)


def heading(name: str, version: str) -> str:
    """How a section begins."""
    return f"\n{_RULE}\n{name} {version}\n"


def _section(wheel: Wheel) -> str:
    if not wheel.legal_texts:
        raise LookupError(
            f"{wheel.entry.name}: its wheel holds no licence text\n    Add it to tests/supply/licences.py."
        )
    lines = [heading(wheel.entry.name, wheel.entry.version), f"Licence: {licence_of(wheel.metadata)}\n"]
    if wheel.libraries:
        lines.append(f"Bundled libraries: {', '.join(wheel.libraries)}\n")
    texts = (f"\n--- {name}\n\n{text.strip(chr(10))}\n" for name, text in wheel.legal_texts.items())
    return "".join((*lines, f"{_RULE}\n", *texts))
