"""`hilum check-config`: is this configuration file usable, and if not, what has to change."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from converter.page.counted import counted
from scp_node.checks.configuration import checked
from scp_node.cli.terminal import say
from scp_node.errors import ExitCode
from scp_node.settings import Route, Settings, When
from scp_node.settings.file import read_settings
from scp_node.settings.routes import PATTERN_KEYS
from scp_node.settings.strict_yaml import Problem


def check_config(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", readable=False, help="The YAML file that `hilum serve` would read.")
    ],
) -> None:
    """Check a configuration file and all that it names, start nothing: model packages, certificates, data folder,
    sandbox. Exit 2 with every problem as FILE:LINE:COL: key: message. `hilum doctor` looks at the machine as well."""
    seen = checked(read_settings(file))
    if seen.problems or seen.file.settings is None:
        raise _refused(file, seen.problems)
    say(f"{file} is usable.")
    for line in summary(seen.file.settings):
        say(line)
    for check, result in seen.found:
        if result.state == "ok" and check.name in ("tls", "model packages", "decode sandbox"):
            say(f"  {check.name:15} {result.fact}")
    for result in seen.warnings:
        say(f"  warning: {result.fact}", "yellow")
        if result.remedy:
            say(f"           {result.remedy}")


def _refused(file: Path, problems: Sequence[Problem]) -> typer.Exit:
    for problem in problems:
        for line in problem.lines(str(file)).split("\n"):
            say(line, error=True)
    count = counted(len(problems), "problem")
    say(f"{count}; a node that runs keeps its settings, a new one does not start.", error=True)
    return typer.Exit(ExitCode.USAGE)


def summary(settings: Settings) -> list[str]:
    """What the node would do with these settings, a few lines for a person."""
    node = settings.node
    lines = [f"  node   {node.ae_title} listens on {node.bind}:{node.port}, data in {node.data_dir}"]
    for name, ae in settings.remote_aes.items():
        can = "sends images" if ae.may_send else "may not send images"
        gets = [route.name for route in settings.routes if name in route.to]
        results = f", gets the results of {', '.join(gets)}" if gets else ""
        lines.append(f"  {name:6} {ae.ae_title} at {ae.host}:{ae.port} {can}{results}")
    for name, system in settings.systems.items():
        tells = [route.name for route in settings.routes if name in route.notify]
        about = "studies with a finding" if system.notify_of == "positive" else "all studies"
        gets = [route.name for route in settings.routes if name in route.to]
        if system.kind == "dicomweb":
            results = f"gets the results of {', '.join(gets)}" if gets else "gets nothing: no route names it"
            lines.append(f"  {name:6} {system.kind} at {system.where} {results}")
            continue
        told = f"is told of {about} of {', '.join(tells)}" if tells else "is told of nothing: no route notifies it"
        lines.append(f"  {name:6} {system.kind} at {system.where} {told}")
    for route in settings.routes:
        takes = f"{'/'.join(route.when.modality)} {'/'.join(route.when.body_part)} {'/'.join(route.when.view)}"
        shadow = f" (in its shadow {route.shadow})" if route.shadow else ""
        results = f"{', '.join(route.results)}{_urgency(route)}"
        lines.append(f"  route  {route.name}: {takes}{_meant_for(route.when)} -> {route.model}{shadow} -> {results}")
    return lines


def _meant_for(when: When) -> str:
    """The patterns and ages that a route asks for, where it does."""
    asked = [f"{key} {'/'.join(patterns)}" for key in PATTERN_KEYS if (patterns := getattr(when, key))]
    ages = when.patient_age
    if ages.min_years is not None or ages.max_years is not None:
        oldest = "any" if ages.max_years is None else f"{ages.max_years:g}"
        asked.append(f"patient_age {ages.min_years or 0:g} to {oldest}")
    return f", {', '.join(asked)}" if asked else ""


def _urgency(route: Route) -> str:
    listens = ", or more urgent by the header" if route.priority_from_header else ""
    return f" (priority {route.priority}{listens})" if listens or route.priority != "routine" else ""
