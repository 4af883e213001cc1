"""A record as JSON has it, with the same names everywhere: moments in UTC, as ISO 8601 writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from typing import Any


def document_of(record: Any) -> Any:
    """A frozen record, or what one may hold, in what JSON knows. Fields keep their names."""
    if isinstance(record, datetime):
        return in_utc(record)
    if isinstance(record, date):
        return record.isoformat()
    if is_dataclass(record) and not isinstance(record, type):
        return {field.name: document_of(getattr(record, field.name)) for field in fields(record)}
    if hasattr(record, "_asdict"):
        return document_of(record._asdict())
    if isinstance(record, Mapping):
        return {str(key): document_of(value) for key, value in record.items()}
    if isinstance(record, list | tuple | set | frozenset):
        return [document_of(one) for one in record]
    return record


def in_utc(moment: datetime) -> str:
    """`2026-01-31T10:00:00.000Z`, as the log writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
