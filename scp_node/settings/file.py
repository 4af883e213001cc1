"""Reads a configuration file: every problem in one run, each with file, line, column and what to do."""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from converter.regular_file import open_regular
from scp_node.errors import ConfigurationError
from scp_node.settings.checks import cross_checks
from scp_node.settings.messages import explained
from scp_node.settings.model import Settings
from scp_node.settings.schema import Schema, any_value, leaves, schema_at, settings_schema, value_schemas
from scp_node.settings.section import Section
from scp_node.settings.strict_yaml import FILE_BYTES_MAX, Document, Loc, Position, Problem, dotted, read_yaml

log = logging.getLogger(__name__)

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class SettingsFile:
    """One reading of a configuration file: its settings, or None and everything that is wrong with it. `sha256`: of its
    bytes, empty where there are none.

    `stood_in`: with problems, the settings with a stand-in for each value in `faulty`, for whoever looks for more of
    them; None where the file says too little.
    """

    path: Path
    settings: Settings | None
    document: Document
    sha256: str = ""
    stood_in: Settings | None = None
    faulty: frozenset[Loc] = frozenset()

    @property
    def problems(self) -> list[Problem]:
        """In the order of the file."""
        return self.document.problems

    def is_stand_in(self, loc: Loc) -> bool:
        """Whether the value at `loc`, or what it is in, is none that was written."""
        return _within(loc, self.faulty)

    def has_stand_in(self, loc: Loc) -> bool:
        """Whether something in the value at `loc` is a stand-in, or the value itself."""
        return self.is_stand_in(loc) or any(one[: len(loc)] == loc for one in self.faulty)

    def problem(self, loc: Loc, message: str, hint: str = "") -> Problem:
        """Something wrong at `loc` that reading alone does not find."""
        return Problem(self.document.place_of(loc), dotted(loc), message, hint)


ProblemsOf = Callable[[SettingsFile], Sequence[Problem]]


class SettingsSource:
    """The settings in use. `reload` reads the file again and keeps the old ones when the new file is bad."""

    def __init__(self, path: Path, problems_of: ProblemsOf = lambda file: file.problems) -> None:
        """`problems_of` is asked about every reading of the file; what it finds beyond the file's own problems refuses
        a reload. Raises ConfigurationError like load_settings."""
        self.path, self._problems_of = path, problems_of
        self.file = self.last_read = read_settings(path)
        self.last_problems: Sequence[Problem] = ()
        if self.file.settings is None:
            raise refused(path, problems_of(self.file))
        self.current = self.file.settings

    def reload(self) -> list[str]:
        """Names of the sections that changed: none when the file is the same or has problems, which are logged."""
        file = self.last_read = read_settings(self.path)
        problems = self.last_problems = self._problems_of(file)
        for problem in problems:
            place = f"{self.path}:{problem.place.line}:{problem.place.column}"
            extra = {"place": place, "key": problem.key, "problem": problem.message, "hint": problem.hint}
            log.error("configuration problem", extra=extra)
        if file.settings is None or problems:
            log.error("configuration kept as it was", extra={"file": str(self.path), "problems": len(problems)})
            return []
        old, self.file, self.current = self.current, file, file.settings
        changed = [name for name in Settings.model_fields if getattr(old, name) != getattr(self.current, name)]
        log.info("configuration reloaded", extra={"file": str(self.path), "changed": changed})
        return changed


def load_settings(path: Path) -> Settings:
    """Settings of a file. Raises ConfigurationError whose message lists every problem, one or two lines each."""
    file = read_settings(path)
    if file.settings is None:
        raise refused(path, file.problems)
    return file.settings


def refused(path: Path, problems: Sequence[Problem]) -> ConfigurationError:
    """The error whose message lists every problem of a file."""
    return ConfigurationError("\n".join(problem.lines(str(path)) for problem in problems))


def read_settings(path: Path) -> SettingsFile:
    """What stands in a file; files that it names are not looked at."""
    try:
        content = read_content(path)
    except OSError as error:
        return SettingsFile(
            path, None, Document(problems=[Problem(Position(), "(file)", f"cannot be read: {error.strerror}")])
        )
    return settings_of(path, content)


def settings_of(path: Path, content: bytes) -> SettingsFile:
    """What `content` says as the file at `path`, whatever is there now."""
    document = read_yaml(content)
    sha256 = hashlib.sha256(content).hexdigest()
    validated = _Validated()
    if isinstance(document.data, dict):
        validated = _validated(document, with_environment(document, document.data, ()))
    elif document.data is not None or not document.problems:
        document.problems.append(_no_mapping(document))
    document.problems[:] = sorted(set(document.problems))
    whole = None if validated.whole is None else with_absolute_paths(validated.whole, path)
    if document.problems:
        return SettingsFile(path, None, document, sha256, whole, validated.faulty)
    return SettingsFile(path, whole, document, sha256)


def read_content(path: Path) -> bytes:
    """The bytes of a configuration file, and one more where it is too large. Raises OSError."""
    with os.fdopen(open_regular(path), "rb") as file:
        return file.read(FILE_BYTES_MAX + 1)


def _no_mapping(document: Document) -> Problem:
    hint = "A configuration that runs has the sections node, remote_aes and routes; see node.reference.yaml."
    what = "is empty" if document.data is None else "does not begin with a section such as 'node:'"
    return Problem(document.place_of(()), "(file)", what, hint)


def with_environment(document: Document, value: Any, loc: Loc) -> Any:
    """`value` with each ${NAME} replaced, where the field allows it."""
    if isinstance(value, dict):
        return {key: with_environment(document, item, (*loc, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [with_environment(document, item, (*loc, position)) for position, item in enumerate(value)]
    field = schema_at(loc)
    if not isinstance(value, str) or "${" not in value or field is None:
        return value
    if not field.get("env"):
        allowed = ", ".join(path for path, leaf in leaves(settings_schema()).items() if leaf.get("env"))
        _unusable(document, loc, "${...} has no meaning here", f"Environment variables are read in: {allowed}.")
        return value
    missing = [name for name in _VARIABLE.findall(value) if name not in os.environ]
    for name in missing:
        _unusable(document, loc, f"the environment variable {name} is not set", "Set it for the user who runs hilum.")
    if "${" in _VARIABLE.sub("", value):
        _unusable(document, loc, "${ is not followed by a name and }", "Write ${NAME}.")
    return _VARIABLE.sub(lambda match: os.environ.get(match[1], ""), value)


def _unusable(document: Document, loc: Loc, message: str, hint: str) -> None:
    document.unusable.add(loc)
    document.problems.append(Problem(document.place_of(loc), dotted(loc), message, hint))


@dataclass(frozen=True)
class _Validated:
    """`whole`: settings with a stand-in for each value in `faulty`, None where even that does not help."""

    whole: Settings | None = None
    faulty: frozenset[Loc] = frozenset()


def _validated(document: Document, data: dict[str, Any]) -> _Validated:
    """Validate each section, then what the sections say about each other; problems are added to the document.

    When a section has problems, the checks between sections see stand-ins for its bad values, and whatever they find
    because of a stand-in is left out.
    """
    faulty = set(document.unusable)
    try:
        whole = Settings.model_validate(data)
    except ValidationError as error:
        for explanation in explained(error, data):
            if not _within(explanation.loc, document.unusable):
                place = document.place_of(explanation.loc, key=explanation.about_key)
                document.problems.append(Problem(place, dotted(explanation.loc), explanation.message, explanation.hint))
            faulty |= {explanation.loc, explanation.meant}
        try:
            whole = Settings.model_validate(_repaired(data, settings_schema(), faulty, ()))
        except ValidationError:
            return _Validated()
    for check in cross_checks(whole):
        if not any(_within(loc, faulty) for loc in (check.loc, *check.involves)):
            document.problems.append(
                Problem(document.place_of(check.loc), dotted(check.loc), check.message, check.hint)
            )
    return _Validated(whole, frozenset(faulty))


def _within(loc: Loc, faulty: AbstractSet[Loc]) -> bool:
    return any(loc[:end] in faulty for end in range(len(loc) + 1))


def _repaired(value: Any, schema: Schema, faulty: set[Loc], loc: Loc) -> Any:
    """`value` with a stand-in for whatever is faulty or missing, and without unknown keys."""
    if loc in faulty:
        return _stand_in(schema)
    if isinstance(value, list):
        return [_repaired(item, schema["items"], faulty, (*loc, position)) for position, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if (inner := any_value(schema)) is not None:
        kept = {key: item for key, item in value.items() if isinstance(item, dict) and (*loc, key) not in faulty}
        return {key: _repaired(item, inner, faulty, (*loc, key)) for key, item in kept.items()}
    known = value_schemas(schema)
    absent = {key: _stand_in(known[key]) for key in schema.get("required", ()) if key not in value}
    return absent | {
        key: _repaired(item, known[key], faulty, (*loc, key)) for key, item in value.items() if key in known
    }


def _stand_in(schema: Schema) -> Any:
    """A value that passes for `schema`."""
    for choices in ("examples", "enum"):
        if choices in schema:
            return schema[choices][0]
    if "default" in schema:
        return schema["default"]
    return {} if schema.get("type") == "object" else "X"


def with_absolute_paths(settings: Settings, path: Path) -> Settings:
    """Folders and files of the configuration are relative to the folder that holds the file."""

    def absolute(section: Section, *keys: str) -> Section:
        paths = {key: value for key in keys if (value := getattr(section, key)) is not None}
        # symbolic links stay as written
        update = {key: Path(os.path.abspath(path.parent / value.expanduser())) for key, value in paths.items()}  # noqa: PTH100
        return section.model_copy(update=update)

    return settings.model_copy(
        update={
            "node": absolute(settings.node, "data_dir"),
            "storage": absolute(settings.storage, "spool_dir").model_copy(
                update={"s3": absolute(settings.storage.s3, "ca")}
            ),
            "inference": absolute(settings.inference, "models_dir"),
            "tls": absolute(settings.tls, "certificate", "key", "ca"),
            "web": absolute(settings.web, "tls_certificate", "tls_key"),
            "systems": {name: absolute(one, "ca", "certificate", "key") for name, one in settings.systems.items()},
        }
    )
