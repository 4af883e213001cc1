"""The message within the file that it is kept in."""

from __future__ import annotations

from pydicom import dcmread

from converter.image.header import BROKEN_INPUT
from converter.result.messages.kept import message_of
from scp_node.deliver.part10 import NotPart10, Part10File

COMMENT_CHARS_MAX = 200


def message_in(file: Part10File) -> bytes:
    """Raises NotPart10 where there is none, OSError where the file cannot be read."""
    try:
        return message_of(dcmread(file.path))
    except OSError:
        raise
    except BROKEN_INPUT as error:
        raise NotPart10("it holds no message") from error


def comment_of(text: str) -> str:
    """An answer in the destination's own words: one line, bounded. It may name the patient."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())[:COMMENT_CHARS_MAX]
