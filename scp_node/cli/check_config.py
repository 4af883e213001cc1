"""`hilum check-config`: is this configuration file usable, and if not, what has to change."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scp_node.cli.terminal import say
from scp_node.errors import ExitCode
from scp_node.settings import Settings, Tls
from scp_node.settings.cautions import cautions, delivery_cautions
from scp_node.settings.file import check_settings
from scp_node.tls.certificates import certificate_expiry


def check_config(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The YAML file that `hilum serve` would read.")],
) -> None:
    """Check a configuration file, start nothing. Exit 2 with every problem as FILE:LINE:COL: key: message."""
    settings, problems = check_settings(file)
    if settings is None:
        for problem in problems:
            for line in problem.lines(str(file)).split("\n"):
                say(line, error=True)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        say(f"{count}; a node that runs keeps its settings, a new one does not start.", error=True)
        raise typer.Exit(ExitCode.USAGE)
    say(f"{file} is usable.")
    for line in summary(settings):
        say(line)
    for caution in (*cautions(settings), *delivery_cautions(settings)):
        say(f"  warning: {caution}", "yellow")


def protection(tls: Tls) -> str:
    """How connections are protected, in one line."""
    if tls.profile == "off" or tls.certificate is None:
        return "off, connections are plaintext"
    senders = "senders show a certificate" if tls.verify_peer else "senders show no certificate"
    return f"{tls.profile}, {senders}; our own is valid until {certificate_expiry(tls.certificate):%Y-%m-%d}"


def summary(settings: Settings) -> list[str]:
    """What the node would do with these settings, a few lines for a person."""
    node = settings.node
    lines = [f"  node   {node.ae_title} listens on {node.bind}:{node.port}, data in {node.data_dir}"]
    lines.append(f"  tls    {protection(settings.tls)}")
    for name, ae in settings.remote_aes.items():
        can = "sends images" if ae.may_send else "may not send images"
        gets = [route.name for route in settings.routes if name in route.to]
        results = f", gets the results of {', '.join(gets)}" if gets else ""
        lines.append(f"  {name:6} {ae.ae_title} at {ae.host}:{ae.port} {can}{results}")
    for route in settings.routes:
        takes = f"{'/'.join(route.when.modality)} {'/'.join(route.when.body_part)} {'/'.join(route.when.view)}"
        shadow = f" (in its shadow {route.shadow})" if route.shadow else ""
        lines.append(f"  route  {route.name}: {takes} -> {route.model}{shadow} -> {', '.join(route.results)}")
    return lines
