"""Writes the generated parts of every document: `make reference`."""

from __future__ import annotations

from tests.handbook.blocks import BLOCKS
from tests.handbook.documents import DOCUMENTS
from tests.handbook.markdown import with_blocks


def main() -> None:
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        fresh = with_blocks(text, BLOCKS)
        if fresh != text:
            path.write_text(fresh, encoding="utf-8")
            print(f"written: {path.name}")


main()
