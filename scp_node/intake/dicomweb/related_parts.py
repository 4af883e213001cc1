"""Reads multipart/related (RFC 2387, RFC 2046 5.1) piece by piece; no part is ever in memory as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

DICOM = "application/dicom"
RELATED = "multipart/related"
BOUNDARY_BYTES_MAX = 200  # RFC 2046 5.1.1 has 70; Orthanc sends 71
HEAD_BYTES_MAX, HEAD_LINES_MAX = 8192, 32


class MalformedBody(Exception):
    """The body is not what its Content-Type says: nothing more can be read of it."""


class TooManyParts(MalformedBody):
    """It has more parts than are taken."""


@dataclass(frozen=True)
class MediaType:
    """`name` and parameters of a Content-Type, the name and their keys in lower case."""

    name: str
    parameters: Mapping[str, str]


class PartSink(Protocol):
    """Takes the parts, one after the other."""

    def begin(self, media_type: MediaType) -> None:
        """A part begins; its media type is empty where it says none."""

    def write(self, piece: memoryview) -> None:
        """The next bytes of the part, valid only now."""

    def end(self) -> None:
        """The part is complete."""


def media_type(text: str) -> MediaType:
    """What a Content-Type says (RFC 9110 8.3)."""
    name, options = parse_options_header(text)
    return MediaType(name.decode("latin-1"), {k.decode("latin-1").lower(): _text(v) for k, v in options.items()})


def boundary_of(content: MediaType) -> str | None:
    """The boundary of multipart/related whose parts are DICOM files; None for any other type of content. A sender that
    leaves the type of the parts out is believed: each part says its own. Raises MalformedBody."""
    if content.name != RELATED or content.parameters.get("type", DICOM).lower() != DICOM:
        return None
    boundary = content.parameters.get("boundary", "")
    if not 1 <= len(boundary) <= BOUNDARY_BYTES_MAX or not boundary.isascii() or not boundary.isprintable():
        raise MalformedBody(f"the Content-Type names no boundary of 1 to {BOUNDARY_BYTES_MAX} characters")
    return boundary


class RelatedParts:
    """The body from its first byte on: `write`, then `finish`. Both raise MalformedBody, and whatever `sink` raises;
    nothing may be written after either."""

    def __init__(self, boundary: str, sink: PartSink, parts_max: int) -> None:
        self._sink, self._parts_max = sink, parts_max
        self._parts, self._head_bytes = 0, 0
        self._head: dict[bytes, bytes] = {}
        self._name, self._value = bytearray(), bytearray()
        self._is_ended = False
        callbacks: dict[str, Callable[..., None]] = {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._take_head(self._name, data[start:end]),
            "on_header_value": lambda data, start, end: self._take_head(self._value, data[start:end]),
            "on_header_end": self._line_ends,
            "on_headers_finished": self._head_ends,
            "on_part_data": lambda data, start, end: sink.write(memoryview(data)[start:end]),
            "on_part_end": sink.end,
            "on_end": self._end,
        }
        self._parser = MultipartParser(
            boundary,
            callbacks,  # type: ignore[arg-type]
            max_header_count=HEAD_LINES_MAX,
            max_header_size=HEAD_BYTES_MAX,
        )

    def write(self, data: bytes) -> None:
        """Take the next bytes of the body."""
        try:
            self._parser.write(data)
        except MultipartParseError as error:
            raise MalformedBody(f"the body is no multipart/related: {error}") from error

    def finish(self) -> None:
        """The body has ended."""
        if not self._is_ended:
            raise MalformedBody("the body ends before its last boundary")
        if self._parts == 0:
            raise MalformedBody("the body has no part")

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > self._parts_max:
            raise TooManyParts(f"the body has more than {self._parts_max} parts")
        self._head, self._head_bytes = {}, 0

    def _take_head(self, text: bytearray, piece: bytes) -> None:
        self._head_bytes += len(piece)
        if self._head_bytes > HEAD_BYTES_MAX:
            raise MalformedBody(f"the head of a part has more than {HEAD_BYTES_MAX} bytes")
        text += piece

    def _line_ends(self) -> None:
        self._head[bytes(self._name).lower()] = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def _head_ends(self) -> None:
        self._sink.begin(media_type(self._head.get(b"content-type", b"").decode("latin-1")))

    def _end(self) -> None:
        self._is_ended = True


def _text(value: bytes) -> str:
    return value.decode("latin-1")
