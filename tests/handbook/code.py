"""What the code defines in many places: classes of errors, words of states, exit codes. Found by loading all of it."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Literal, TypeVar, get_args, get_origin

import converter
import scp_node
from converter.errors import ConverterError
from scp_node.errors import ExitCode, HilumError

# Migrations run inside Alembic only, and a __main__ runs when it is loaded.
_NOT_LOADED = (".migrations", ".__main__")
Class = TypeVar("Class")


@cache
def modules() -> tuple[ModuleType, ...]:
    """Every module of the node and of the converter."""
    names = [
        found.name
        for package in (scp_node, converter)
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not any(part in found.name for part in _NOT_LOADED)
    ]
    return tuple(import_module(name) for name in names)


def node_errors() -> list[type[HilumError]]:
    """Every class of the node's errors that has a code of its own, in the order of their codes."""
    modules()
    return sorted(filter(_has_code, _below(HilumError)), key=lambda one: one.code)


def converter_errors() -> list[type[ConverterError]]:
    """The same of the converter's errors."""
    modules()
    return sorted(filter(_has_code, _below(ConverterError)), key=lambda one: one.code)


def instances_of(kind: type[Class]) -> list[Class]:
    """Every constant of a type that a module defines, each once, in the order of their modules."""
    found = (value for module in modules() for value in vars(module).values() if isinstance(value, kind))
    return list(dict.fromkeys(found))


def _has_code(one: type) -> bool:
    return "code" in vars(one)


def _below(base: type[Class]) -> Iterator[type[Class]]:
    for one in base.__subclasses__():
        yield one
        yield from _below(one)


def words_of(name: str) -> tuple[str, ...]:
    """The values of a type such as JobState, wherever it is defined. Raises LookupError for a name that is gone."""
    found = {getattr(module, name) for module in modules() if get_origin(getattr(module, name, None)) is Literal}
    if len(found) != 1:
        raise LookupError(f"{len(found)} types are called {name}")
    return get_args(found.pop())


def exit_codes() -> set[int]:
    """Every number that a command or the node may end with."""
    return {int(code) for code in ExitCode}
