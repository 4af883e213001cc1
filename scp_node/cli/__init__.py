"""The command `hilum`: each command is a module of this package, imported when it is asked for."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer

from scp_node.errors import ConfigurationError, HilumError
from scp_node.host.private_process import keep_private

COMMANDS = (
    *("serve", "demo", "check-config", "doctor", "predict", "evaluate", "echo", "send", "studies"),
    *("explain", "report", "deliveries", "reproduce", "erase", "backup", "restore", "rebuild", "migrate", "reconcile"),
)
GROUPS = ("jobs", "models", "rules", "user")
PROGRAM = "hilum"
VERSION = "--version"
# Where shells that complete a command line say what has been typed so far: bash, then zsh and fish.
TYPED_SO_FAR = ("COMP_WORDS", "_TYPER_COMPLETE_ARGS")


def build_app(wanted: str | None = None) -> typer.Typer:
    """The command line; with `wanted`, only that command, so that its neighbours' imports cost no time."""
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

    @app.callback()
    def hilum(
        version: Annotated[
            bool, typer.Option(VERSION, is_eager=True, callback=_say_version, help="Show the version and exit.")
        ] = False,
    ) -> None:
        """Hilum: chest radiographs in over DICOM, Structured Report and heat map out. Research use only."""

    for name in COMMANDS:
        if wanted in (None, name):
            module = name.replace("-", "_")
            app.command(name)(getattr(import_module(f"scp_node.cli.{module}"), module))
    for name in GROUPS:
        if wanted in (None, name):
            app.add_typer(getattr(import_module(f"scp_node.cli.{name}"), f"{name}_app"), name=name)
    return app


def main() -> None:
    """Run the command line; errors of ours end with their message and exit code, not with a traceback."""
    keep_private()
    try:
        build_app(_wanted(sys.argv[1:]))(prog_name=PROGRAM)
    except ConfigurationError as error:
        _end(str(error).split("\n"), error.exit_code)  # each begins with FILE:LINE:COL, which editors understand
    except HilumError as error:
        _end([f"hilum: {error}", *error.further_lines], error.exit_code)
    except OSError as error:  # a file or folder that cannot be read or written: its name says more than a traceback
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        _end([f"hilum: {what}"], HilumError.exit_code)


def _wanted(words: Sequence[str]) -> str | None:
    """The one command that is asked for, or --version, which needs none; None when all of them have to be known, as to
    complete the name of one. A word is complete when another one has begun behind it."""
    if f"_{PROGRAM.upper()}_COMPLETE" in os.environ:
        typed = re.split(r"\s+", next((os.environ[name] for name in TYPED_SO_FAR if name in os.environ), ""))
        words = typed[1:] if len(typed) > 2 else ()
    first = words[0] if words else ""
    return first if first in (*COMMANDS, *GROUPS, VERSION) else None


def _say_version(is_asked: bool) -> None:
    if is_asked:
        from scp_node.cli.terminal import say

        say(f"{PROGRAM} {version(PROGRAM)}")
        raise typer.Exit


def _end(lines: Sequence[str], code: int) -> NoReturn:
    from scp_node.cli.terminal import say

    for line in lines:
        say(line, error=True)
    sys.exit(code)
