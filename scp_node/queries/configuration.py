"""The configuration as a person may see it: the file without secrets, what holds, and what another would do."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from scp_node.checks.configuration import checked
from scp_node.checks.result import CheckResult
from scp_node.settings import Section, Settings
from scp_node.settings.file import SettingsFile, read_content, settings_of
from scp_node.settings.reloading import FIXED_SECTIONS, followed
from scp_node.settings.secrets import (
    HIDDEN,
    hidden,
    is_secret_key,
    lines_still_hidden,
    secrets_of,
    still_hidden,
    with_secrets,
)
from scp_node.settings.strict_yaml import Loc, Position, Problem

DIFFERENCE_LINES_MAX = 2000


@dataclass(frozen=True)
class PresentFile:
    """The file as it is now. `shown` is its text without secrets, `content` the bytes. `failure`: why it cannot be
    read. `waiting`: sections in which it differs from what the node goes by."""

    path: Path
    sha256: str
    shown: str
    content: bytes = field(repr=False)
    failure: str = ""
    problems: tuple[Problem, ...] = ()
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True)
class ShownValue:
    """One setting. `is_default`: nobody has written it. `meaning`: the sentence of the reference."""

    key: str
    value: str
    is_default: bool
    meaning: str


@dataclass(frozen=True)
class ShownSection:
    """`needs_restart`: a change takes effect when the node is started again."""

    name: str
    needs_restart: bool
    values: tuple[ShownValue, ...]


@dataclass(frozen=True)
class LineProblem:
    """A problem, and the line it is in as it is shown."""

    problem: Problem
    line: str


@dataclass(frozen=True)
class ChangedFile:
    """What another file would mean. `difference`: lines of a unified diff, without secrets. `settings` is None where it
    has problems."""

    sha256: str
    shown: str
    problems: tuple[LineProblem, ...]
    warnings: tuple[CheckResult, ...]
    difference: tuple[str, ...]
    changed: tuple[str, ...]
    kept_back: tuple[str, ...]
    settings: Settings | None = field(repr=False)


def present_file(path: Path, in_use: Settings) -> PresentFile:
    """Reads the file; what it names is not looked at."""
    try:
        content = read_content(path)
    except OSError as error:
        return PresentFile(path, "", "", b"", f"cannot be read: {error.strerror}")
    file = settings_of(path, content)
    waiting = () if file.settings is None else _differing(in_use, file.settings)
    return PresentFile(path, file.sha256, hidden(_text(content)), content, "", tuple(file.problems), waiting)


def effective_settings(in_use: Settings, present: PresentFile) -> tuple[ShownSection, ...]:
    """Every setting that the node goes by, a section each; those of remote AEs and routes by name."""
    written = settings_of(present.path, present.content).document.values
    return tuple(_sections(in_use, written))


def merged(posted: bytes, *known: bytes) -> bytes:
    """What a person has posted, with the secrets that were hidden from that person: those of the first of `known` that
    has one in the same place."""
    secrets: dict[Loc, str] = {}
    for content in reversed(known):
        secrets |= secrets_of(_text(content))
    try:
        return with_secrets(posted.decode("utf-8-sig"), secrets).encode()
    except UnicodeError:
        return posted  # which the check says


def changed_file(present: PresentFile, content: bytes, in_use: Settings) -> ChangedFile:
    """Everything that is wrong with `content` in the place of the present file, or what would change with it."""
    seen = checked(settings_of(present.path, content))
    text = _text(content)
    shown, before = hidden(text), secrets_of(_text(present.content))
    problems = tuple(sorted({*seen.problems, *_left_hidden(seen.file, text)}))
    settings = None if problems else seen.file.settings
    lines = shown.splitlines()
    new = hidden(text, before)
    return ChangedFile(
        sha256=hashlib.sha256(content).hexdigest(),
        shown=shown,
        problems=tuple(LineProblem(one, _line(lines, one.place.line)) for one in problems),
        warnings=seen.warnings,
        difference=tuple(_difference(present.shown, new, present.path.name)),
        changed=() if settings is None else _differing(in_use, settings),
        kept_back=() if settings is None else tuple(followed(in_use, settings)[1]),
        settings=settings,
    )


def _text(content: bytes) -> str:
    return content.decode("utf-8-sig", errors="replace")


def _differing(old: Settings, new: Settings) -> tuple[str, ...]:
    return tuple(name for name in Settings.model_fields if getattr(old, name) != getattr(new, name))


def _line(lines: list[str], number: int) -> str:
    return lines[number - 1].rstrip() if number <= len(lines) else ""


def _difference(old: str, new: str, name: str) -> Iterator[str]:
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), name, f"{name} (changed)", lineterm="")
    for number, line in enumerate(lines):
        if number == DIFFERENCE_LINES_MAX:
            yield "..."
            return
        yield line


def _left_hidden(file: SettingsFile, text: str) -> Iterator[Problem]:
    hint = "Write the secret itself, or ${NAME} and set that variable for the user of the node."
    message = f"'{HIDDEN}' stands for no secret of the present file"
    told = [file.problem(loc, message, hint) for loc in still_hidden(text)]
    yield from told
    for line in {*lines_still_hidden(text)} - {one.place.line for one in told}:
        yield Problem(Position(line), "(file)", message, f"{hint} Where it is a comment, take the line out.")


def _sections(settings: Settings, written: Container[Loc]) -> Iterator[ShownSection]:
    for name in Settings.model_fields:
        value = getattr(settings, name)
        parts: Mapping[str, tuple[Section, Loc]]
        if isinstance(value, Section):
            parts = {name: (value, (name,))}
        elif isinstance(value, dict):
            parts = {f"{name}.{key}": (one, (name, key)) for key, one in value.items()}
        else:
            parts = {f"{name}[{number}]": (one, (name, number)) for number, one in enumerate(value)}
        for title, (section, loc) in parts.items():
            yield ShownSection(title, name in FIXED_SECTIONS, tuple(_values(section, loc, written)))


def _values(section: Section, loc: Loc, written: Container[Loc], prefix: str = "") -> Iterator[ShownValue]:
    for name, info in type(section).model_fields.items():
        key, value = info.alias or name, getattr(section, name)
        if isinstance(value, Section):
            yield from _values(value, (*loc, key), written, f"{prefix}{key}.")
            continue
        shown = HIDDEN if is_secret_key(key) and value is not None else _shown(value)
        yield ShownValue(f"{prefix}{key}", shown, _is_default(info, value, (*loc, key) in written), _meaning(info))


def _is_default(info: FieldInfo, value: Any, is_written: bool) -> bool:
    if info.is_required():
        return False
    default = info.get_default(call_default_factory=True)
    return not is_written and (bool(value == default) or isinstance(default, Path))  # a folder became absolute


def _meaning(info: FieldInfo) -> str:
    return info.description or ""


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return f"{value:g}" if isinstance(value, float) and abs(value) < 1e6 else str(value)
