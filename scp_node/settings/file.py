"""Reads a configuration file: every problem in one run, each with file, line, column and what to do."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from converter.regular_file import open_regular
from scp_node.errors import ConfigurationError, HilumError
from scp_node.settings.checks import cross_checks
from scp_node.settings.messages import explained
from scp_node.settings.model import Settings
from scp_node.settings.schema import Schema, any_value, leaves, schema_at, settings_schema, value_schemas
from scp_node.settings.section import Section
from scp_node.settings.strict_yaml import FILE_BYTES_MAX, Document, Loc, Position, Problem, dotted, read_yaml
from scp_node.tls.contexts import CertificateUnusable, make_contexts

log = logging.getLogger(__name__)

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class SettingsSource:
    """The settings in use. `reload` reads the file again and keeps the old ones when the new file is bad."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigurationError like load_settings."""
        self.path = path
        self.current = load_settings(path)

    def reload(self, approve: Callable[[Settings], None] = lambda _: None) -> list[str]:
        """Names of the sections that changed: none when the file is the same or has problems, which are logged.

        `approve` has the last word: a HilumError that it raises is a problem of the file too.
        """
        settings, problems = check_settings(self.path)
        for problem in problems:
            place = f"{self.path}:{problem.place.line}:{problem.place.column}"
            extra = {"place": place, "key": problem.key, "problem": problem.message, "hint": problem.hint}
            log.error("configuration problem", extra=extra)
        if settings is None:
            log.error("configuration kept as it was", extra={"file": str(self.path), "problems": len(problems)})
            return []
        try:
            approve(settings)
        except HilumError as error:
            log.error("configuration kept as it was", extra={"file": str(self.path), "problem": str(error)})
            return []
        old, self.current = self.current, settings
        changed = [name for name in Settings.model_fields if getattr(old, name) != getattr(settings, name)]
        log.info("configuration reloaded", extra={"file": str(self.path), "changed": changed})
        return changed


def load_settings(path: Path) -> Settings:
    """Settings of a file. Raises ConfigurationError whose message lists every problem, one or two lines each."""
    settings, problems = check_settings(path)
    if settings is None:
        raise ConfigurationError("\n".join(problem.lines(str(path)) for problem in problems))
    return settings


def check_settings(path: Path) -> tuple[Settings | None, list[Problem]]:
    """The settings of a file, or None and everything that is wrong with it, in the order of the file."""
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        return None, [Problem(Position(), "(file)", f"cannot be read: {error.strerror}")]
    document = read_yaml(content)
    if document.data is None and document.problems:
        return None, document.problems
    if not isinstance(document.data, dict):
        return None, [*document.problems, _no_mapping(document)]
    data = _with_environment(document, document.data, ())
    settings = _validated(document, data)
    if settings is None or document.problems:
        return None, sorted(set(document.problems))
    settings = _with_absolute_paths(settings, path)
    document.problems.extend(_unusable_certificates(document, settings))
    return (None, document.problems) if document.problems else (settings, [])


def _no_mapping(document: Document) -> Problem:
    hint = "A configuration that runs has the sections node, remote_aes and routes; see node.reference.yaml."
    what = "is empty" if document.data is None else "does not begin with a section such as 'node:'"
    return Problem(document.place_of(()), "(file)", what, hint)


def _with_environment(document: Document, value: Any, loc: Loc) -> Any:
    """`value` with each ${NAME} replaced, where the field allows it."""
    if isinstance(value, dict):
        return {key: _with_environment(document, item, (*loc, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_environment(document, item, (*loc, position)) for position, item in enumerate(value)]
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


def _validated(document: Document, data: dict[str, Any]) -> Settings | None:
    """Validate each section, then what the sections say about each other; problems are added to the document.

    When a section has problems, the checks between sections see stand-ins for its bad values, and whatever they find
    because of a stand-in is left out.
    """
    faulty = set(document.unusable)
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(data)
        whole = settings
    except ValidationError as error:
        for explanation in explained(error, data):
            if not _within(explanation.loc, document.unusable):
                place = document.place_of(explanation.loc, key=explanation.about_key)
                document.problems.append(Problem(place, dotted(explanation.loc), explanation.message, explanation.hint))
            faulty |= {explanation.loc, explanation.meant}
        try:
            whole = Settings.model_validate(_repaired(data, settings_schema(), faulty, ()))
        except ValidationError:
            return None
    for check in cross_checks(whole):
        if not any(_within(loc, faulty) for loc in (check.loc, *check.involves)):
            document.problems.append(
                Problem(document.place_of(check.loc), dotted(check.loc), check.message, check.hint)
            )
    return settings


def _within(loc: Loc, faulty: set[Loc]) -> bool:
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


def _with_absolute_paths(settings: Settings, path: Path) -> Settings:
    """Folders and files of the configuration are relative to the folder that holds the file."""

    def absolute(section: Section, *keys: str) -> Section:
        paths = {key: value for key in keys if (value := getattr(section, key)) is not None}
        # symbolic links stay as written
        update = {key: Path(os.path.abspath(path.parent / value.expanduser())) for key, value in paths.items()}  # noqa: PTH100
        return section.model_copy(update=update)

    return settings.model_copy(
        update={
            "node": absolute(settings.node, "data_dir"),
            "inference": absolute(settings.inference, "models_dir"),
            "tls": absolute(settings.tls, "certificate", "key", "ca"),
        }
    )


def _unusable_certificates(document: Document, settings: Settings) -> Iterator[Problem]:
    """What is wrong with the files of a section tls that is in use, the first of it."""
    if settings.tls.profile == "off":
        return
    try:
        make_contexts(settings.tls)
    except CertificateUnusable as error:
        loc = ("tls", error.key)
        yield Problem(document.place_of(loc), dotted(loc), error.message, error.hint)
