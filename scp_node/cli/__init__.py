"""The command `hilum`: every command is one module, registered here."""

from __future__ import annotations

import sys

import typer

from scp_node.errors import HilumError


def _app() -> typer.Typer:
    from scp_node.cli.check_config import check_config
    from scp_node.cli.demo import demo
    from scp_node.cli.echo import echo
    from scp_node.cli.explain import explain
    from scp_node.cli.jobs import jobs_app
    from scp_node.cli.models import models_app
    from scp_node.cli.predict import predict
    from scp_node.cli.send import send
    from scp_node.cli.serve import serve

    app = typer.Typer(
        name="hilum",
        help="Hilum: chest radiographs in over DICOM, Structured Report and heat map out. Research use only.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for command in (serve, demo, check_config, predict, echo, send, explain):
        app.command(command.__name__.replace("_", "-"))(command)
    app.add_typer(jobs_app, name="jobs")
    app.add_typer(models_app, name="models")
    return app


def main() -> None:
    """Run the command line; errors of ours end with their message and exit code, not with a traceback."""
    try:
        _app()()
    except HilumError as error:
        print(f"hilum: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
