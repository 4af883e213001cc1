"""The log: one line an event, without patient data, whatever a peer or a library tries to write into it.

    log.info("instance stored", extra={"sop_instance_uid": uid, "bytes": n})

Text and JSON both show UTC time, level, logger, the sentence and the fields of `extra`. Control characters are escaped,
so that nothing received over the network can begin a line of its own. Messages of exceptions that are not ours and
everything that pydicom and highdicom write can quote a data set: they are replaced by their type and place.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
import warnings
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, Literal, TextIO

import pydicom
import pynetdicom

from converter.errors import ConverterError
from scp_node.errors import HilumError

Level = Literal["debug", "info", "warning", "error"]

VALUE_CHARACTERS_MAX = 2000
FRAMES_MAX = 8

# Libraries that see data sets: what they say may quote one.
QUOTING_LOGGERS = ("pydicom", "highdicom", "pylibjpeg", "openjpeg", "gdcm")
# Exceptions whose message cannot quote a data set: ours, and those of file system, database and inference.
PLAIN_ERRORS = (HilumError, ConverterError, OSError, ImportError)
PLAIN_ERROR_PACKAGES = ("sqlite3", "psycopg", "onnxruntime")

_STANDARD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

_log = logging.getLogger(__name__)


def configure_logging(level: Level, format: Literal["text", "json"], stream: TextIO | None = None) -> None:
    """Send every event of this process from `level` upwards to standard error, once, and silence what may quote a
    patient. Call it at the start of every process, and again when the settings change."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_JsonFormatter() if format == "json" else _TextFormatter())
    root = logging.getLogger()
    for old in root.handlers[:]:
        if isinstance(old.formatter, _EventFormatter):
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    _tame_libraries(level)


def _tame_libraries(level: Level) -> None:
    chatty = "INFO" if level == "debug" else "WARNING"
    for name in ("pydicom", "highdicom", "pynetdicom", "alembic", "sqlalchemy"):
        logger = logging.getLogger(name)
        logger.setLevel(max(logging.getLevelName(chatty), logging.getLevelName(level.upper())))
        logger.handlers[:] = [logging.NullHandler()]
        logger.propagate = True
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    pynetdicom._config.LOG_HANDLER_LEVEL = "none"
    pynetdicom._config.LOG_REQUEST_IDENTIFIERS = False
    pynetdicom._config.LOG_RESPONSE_IDENTIFIERS = False
    warnings.showwarning = _log_warning


def _log_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A Python warning as an event. Its text is left out: pydicom's warnings quote the values they are about."""
    _log.warning("warning of a library", extra={"category": category.__name__, "at": _place(filename, lineno)})


class _EventFormatter(logging.Formatter):
    """What both formats share: the parts of an event, already safe to show."""

    def parts(self, record: logging.LogRecord) -> tuple[str, dict[str, Any]]:
        """The sentence and the fields."""
        fields = {key: value for key, value in vars(record).items() if key not in _STANDARD_ATTRIBUTES}
        if isinstance(record.msg, BaseException):
            sentence = "exception"
            fields["error"] = _error(record.msg)
        elif record.name.partition(".")[0] in QUOTING_LOGGERS:
            sentence = "message withheld"
            fields["at"] = _place(record.pathname, record.lineno)
        else:
            sentence = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            fields["error"] = _error(record.exc_info[1])
            fields["at"] = " < ".join(_frames(record.exc_info[1]))
        return _cut(sentence), {_cut(key): _safe(value) for key, value in fields.items()}

    @staticmethod
    def time(record: logging.LogRecord) -> str:
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _TextFormatter(_EventFormatter):
    """`2026-01-31T10:00:00.000Z INFO scp_node.storage.spool instance stored bytes=12 sop_instance_uid=1.2.3`"""

    def format(self, record: logging.LogRecord) -> str:
        sentence, fields = self.parts(record)
        head = f"{self.time(record)} {record.levelname} {record.name} {_escaped(sentence)}"
        return " ".join([head, *(f"{_escaped(key)}={_text(value)}" for key, value in fields.items())])


class _JsonFormatter(_EventFormatter):
    """One JSON object a line, in ASCII; the four names of our own win over fields that are called alike."""

    def format(self, record: logging.LogRecord) -> str:
        sentence, fields = self.parts(record)
        head = {"time": self.time(record), "level": record.levelname.lower(), "logger": record.name, "event": sentence}
        return json.dumps(head | {k: v for k, v in fields.items() if k not in head}, default=str)


def _safe(value: Any) -> Any:
    """A field's value: exceptions as `_error` shows them, long text cut."""
    if isinstance(value, BaseException):
        return _cut(_error(value))
    return _cut(value) if isinstance(value, str) else value


def _cut(text: str) -> str:
    return text if len(text) <= VALUE_CHARACTERS_MAX else f"{text[:VALUE_CHARACTERS_MAX]}..."


def _error(error: BaseException) -> str:
    """Type, and message where it is known to be plain, of an error and of those that led to it."""
    parts: list[str] = []
    link: BaseException | None = error
    while link is not None and len(parts) < FRAMES_MAX:
        kind = type(link)
        plain = isinstance(link, PLAIN_ERRORS) or kind.__module__.partition(".")[0] in PLAIN_ERROR_PACKAGES
        parts.append(f"{kind.__name__}: {link}" if plain else kind.__name__)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return " < ".join(parts)


def _frames(error: BaseException) -> list[str]:
    """The innermost frames, innermost first."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_MAX:]
    return [f"{_place(frame.filename, frame.lineno or 0)} {frame.name}" for frame in reversed(frames)]


def _place(filename: str, line: int) -> str:
    return f"{'/'.join(PurePath(filename).parts[-2:])}:{line}"


def _text(value: Any) -> str:
    """A value of a text line: in quotes when it would not read as one word."""
    text = _escaped(value if isinstance(value, str) else _compact(value))
    return f'"{text}"' if not text or any(character in text for character in ' ="') else text


def _compact(value: Any) -> str:
    if isinstance(value, list | tuple | set | frozenset):
        return ",".join(map(str, value))
    return str(value)


def _escaped(text: str) -> str:
    """Every character that does not print, and quote and backslash, as an escape."""
    return "".join(
        f"\\{character}" if character in '\\"' else character if character.isprintable() else ascii(character)[1:-1]
        for character in text
    )
