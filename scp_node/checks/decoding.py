"""The sandbox of decoding processes: what this kernel has for it, against what the settings ask."""

from __future__ import annotations

from collections.abc import Iterator

from scp_node.checks.result import CheckedNode, CheckResult, obstacle, ok, warning
from scp_node.decode.sandbox import lacking, offered

LOC = ("inference", "decode_sandbox")


def decode_sandbox(node: CheckedNode) -> Iterator[CheckResult]:
    state, wanted = offered(), node.settings.inference.decode_sandbox
    if not state.missing:
        yield ok(f"{state} ({wanted})")
        return
    fact, remedy = lacking(state)
    if wanted == "required":
        yield obstacle(f"is required, but {fact}", f"{remedy}, or set it to best-effort.", LOC)
    else:
        yield warning(f"{fact}: decoders of strangers' images keep more rights than they need", f"{remedy}.", LOC)
