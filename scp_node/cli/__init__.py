"""The command `hilum`: each command is a module of this package, imported when it is asked for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import typer

from scp_node.errors import ConfigurationError, HilumError
from scp_node.host.private_process import keep_private

COMMANDS = ("serve", "demo", "check-config", "predict", "evaluate", "echo", "send", "explain", "reproduce")
GROUPS = ("jobs", "models")


def build_app(wanted: str | None = None) -> typer.Typer:
    """The command line; with `wanted`, only that command, so that its neighbours' imports cost no time."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

    @app.callback()
    def hilum() -> None:
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
    first = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        build_app(first if first in COMMANDS + GROUPS else None)(prog_name="hilum")
    except ConfigurationError as error:
        _end(str(error).split("\n"), error.exit_code)  # each begins with FILE:LINE:COL, which editors understand
    except HilumError as error:
        _end([f"hilum: {error}", *error.further_lines], error.exit_code)
    except OSError as error:  # a file or folder that cannot be read or written: its name says more than a traceback
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        _end([f"hilum: {what}"], HilumError.exit_code)


def _end(lines: Sequence[str], code: int) -> NoReturn:
    from scp_node.cli.terminal import say

    for line in lines:
        say(line, error=True)
    sys.exit(code)
