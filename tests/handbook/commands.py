"""Every command of `hilum` with its options, and whether a command line that a document shows can be typed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer

from scp_node.cli import build_app
from tests.handbook.markdown import table

# Words of a usage line that stand for something else.
_PLACEHOLDER_END = "..."


@dataclass(frozen=True)
class CommandLine:
    """`words` name a command, such as ("jobs", "list"); `command` is what the command line library makes of it."""

    words: tuple[str, ...]
    command: Any

    @property
    def arguments(self) -> list[Any]:
        return [one for one in self.command.params if one.param_type_name == "argument"]

    @property
    def options(self) -> list[Any]:
        return [one for one in self.command.params if one.param_type_name == "option" and not one.hidden]


def command_lines() -> list[CommandLine]:
    """Every command, those of groups with the name of their group."""
    return list(_commands_below((), typer.main.get_command(build_app())))


def _commands_below(words: tuple[str, ...], command: Any) -> Iterator[CommandLine]:
    below = getattr(command, "commands", None)
    if below is None:
        yield CommandLine(words, command)
        return
    for name, inner in below.items():
        yield from _commands_below((*words, name), inner)


def commands() -> str:
    """A heading, usage, help and a table of options for each command."""
    return "\n\n".join(_described(one) for one in command_lines())


def _described(one: CommandLine) -> str:
    name = " ".join(one.words)
    usage = " ".join(["hilum", name, *("[OPTIONS]" for _ in one.options[:1]), *map(_usage, one.arguments)])
    rows = [(f"`{_metavar(argument)}`", argument.help or "") for argument in one.arguments]
    rows += [(_spelling(option), _meaning(option)) for option in one.options]
    parts = [f"## hilum {name}", f"`{usage}`", _paragraphs(one.command.help or "")]
    return "\n\n".join([*parts, *([table(("argument or option", "meaning"), rows)] if rows else [])])


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _metavar(argument: Any) -> str:
    return argument.metavar or str(argument.name).upper()


def _usage(argument: Any) -> str:
    name = f"{_metavar(argument)}{_PLACEHOLDER_END if argument.nargs == -1 else ''}"
    return name if argument.required else f"[{name}]"


def _spelling(option: Any) -> str:
    names = [*option.opts, *option.secondary_opts]
    value = "" if option.is_flag else f" {option.metavar or option.name.upper()}"
    return ", ".join(f"`{name}{value}`" for name in names)


def _meaning(option: Any) -> str:
    notes = []
    if option.required:
        notes.append("required")
    elif option.default is not None and not option.is_flag:
        default = option.default
        notes.append(f"default: `{f'{default:g}' if isinstance(default, float) else default}`")
    if option.multiple and "more than once" not in (option.help or ""):
        notes.append("may be given more than once")
    if option.envvar:
        notes.append(f"or environment variable `{option.envvar}`")
    return (option.help or "") + (f" [{'; '.join(notes)}]" if notes else "")


def fault_of(line: str) -> str:
    """Why `line`, which begins with hilum, cannot be typed like this; empty when it can. Placeholders in capitals
    stand for values."""
    words = shlex.split(line, comments=True)[1:]
    known = {one.words: one for one in command_lines()}
    groups = {words[:length] for words in known for length in range(len(words))}
    if words and words[0].startswith("--"):
        root = typer.main.get_command(build_app()).params
        known_words = {name for option in root for name in option.opts}
        return "" if words[0] in known_words else f"hilum has no option {words[0]}"
    for length in (2, 1):
        if (found := known.get(tuple(words[:length]))) is not None:
            return _fault_of_options(found, words[length:])
    return "" if tuple(words) in groups else f"there is no command hilum {' '.join(words[:2])}"


def _fault_of_options(one: CommandLine, words: list[str]) -> str:
    takes_value = {
        name: not option.is_flag for option in one.options for name in (*option.opts, *option.secondary_opts)
    }
    takes_value["--help"] = False
    rest = iter(words)
    values = 0
    for word in rest:
        name, _, value = word.partition("=")
        if not name.startswith("-"):
            values += 1
        elif name not in takes_value:
            return f"hilum {' '.join(one.words)} has no option {name}"
        elif takes_value[name] and not value and next(rest, None) is None:
            return f"hilum {' '.join(one.words)} {name} lacks its value"
    most = sum(1000 if argument.nargs == -1 else argument.nargs for argument in one.arguments)
    return "" if values <= most else f"hilum {' '.join(one.words)} takes fewer arguments than {values}"
