"""Reads a form with one file (RFC 7578) into memory, with limits before anything is kept.

The usual reader of forms writes files to a disk; this one knows none.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from scp_node.host.nameless_file import NamelessFile
from scp_node.web.uploads.refusals import UploadRefused

PARTS_MAX, FIELD_BYTES_MAX = 16, 4096
# What a form may hold beside its file: heads of parts, boundaries and fields.
BESIDE_FILE_BYTES_MAX = 128 * 1024


@dataclass
class UploadForm:
    """The fields beside the file, and whether there was one; it may have no bytes."""

    fields: dict[str, str] = field(default_factory=dict)
    has_file: bool = False


async def read_form(
    content_type: str, body: AsyncIterator[bytes], file: NamelessFile, file_bytes_max: int
) -> UploadForm:
    """The form that `body` holds; its file is written into `file`. Raises UploadRefused; what is left of `body` then
    has not been read."""
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 1 <= len(boundary) <= 256:
        raise UploadRefused("malformed-form", "send multipart/form-data with the file in the field `file`")
    parts = _Parts(file, file_bytes_max)
    parser = MultipartParser(boundary, parts.callbacks())  # type: ignore[arg-type]
    body_bytes = 0
    try:
        async for chunk in body:
            body_bytes += len(chunk)
            if body_bytes > file_bytes_max + BESIDE_FILE_BYTES_MAX:
                raise _too_large(file_bytes_max)
            parser.write(chunk)
        parser.finalize()
    except MultipartParseError as error:
        raise UploadRefused("malformed-form", f"the form cannot be read: {error}") from error
    if not parts.is_ended:
        raise UploadRefused("malformed-form", "the form ends before its last boundary")
    return parts.form


class _Parts:
    """Called by the parser for each piece of the body."""

    def __init__(self, file: NamelessFile, file_bytes_max: int) -> None:
        self.form = UploadForm()
        self.is_ended = False
        self._file, self._file_bytes_max = file, file_bytes_max
        self._parts = 0
        self._head: dict[bytes, bytearray] = {}
        self._name, self._value = bytearray(), bytearray()
        self._field = ""
        self._is_file = False
        self._text = bytearray()

    def callbacks(self) -> dict[str, Callable[..., None]]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._head_line,
            "on_headers_finished": self._head_ends,
            "on_part_data": self._data,
            "on_part_end": self._part_ends,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > PARTS_MAX:
            raise UploadRefused("malformed-form", f"a form has at most {PARTS_MAX} parts")
        self._head, self._text, self._is_file = {}, bytearray(), False

    def _head_line(self) -> None:
        self._head[bytes(self._name).lower()] = self._value
        self._name, self._value = bytearray(), bytearray()

    def _head_ends(self) -> None:
        _, options = parse_options_header(bytes(self._head.get(b"content-disposition", b"")))
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        self._is_file = self._field == "file"
        if self._is_file:
            if self.form.has_file:
                raise UploadRefused("malformed-form", "send one file at a time")
            self.form.has_file = True

    def _data(self, data: bytes, start: int, end: int) -> None:
        if not self._is_file:
            if len(self._text) + end - start > FIELD_BYTES_MAX:
                raise UploadRefused("malformed-form", f"a field has at most {FIELD_BYTES_MAX} bytes")
            self._text += data[start:end]
            return
        if self._file.bytes_written + end - start > self._file_bytes_max:
            raise _too_large(self._file_bytes_max)
        self._file.write(memoryview(data)[start:end])

    def _part_ends(self) -> None:
        if not self._is_file:
            self.form.fields[self._field] = self._text.decode("utf-8", "replace")

    def _end(self) -> None:
        self.is_ended = True


def _too_large(bytes_max: int) -> UploadRefused:
    return UploadRefused("upload-too-large", f"a file may have {bytes_max} bytes at most; see web.upload_bytes_max")
