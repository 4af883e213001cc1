"""`hilum doctor`: can the node work on this machine, and what has to be done if not."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from converter.page.counted import counted
from scp_node.checks.configuration import checked
from scp_node.checks.result import CheckedNode, CheckResult
from scp_node.checks.table import Asker, Check, looked_at
from scp_node.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption
from scp_node.cli.terminal import say, say_json
from scp_node.errors import ExitCode
from scp_node.settings.file import read_settings, refused
from scp_node.settings.strict_yaml import dotted

STYLES = {"ok": "", "warning": "yellow", "problem": "red"}


def doctor(
    config: ConfigOption = DEFAULT_CONFIG,
    network: Annotated[
        bool, typer.Option("--network", help="Call each destination: C-ECHO, and which results it would take.")
    ] = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every page of the ledger, which takes some seconds a gigabyte.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Look at everything that the node needs on this machine: user, clock, disk, ports, ledger, certificates, models,
    sandbox, destinations. It changes nothing and disturbs no node that runs. Give the command as the user of the node.

    Exit 0 when all is well or there are only warnings, 1 with problems, 2 when the configuration cannot be used.
    """
    file = read_settings(config)
    if (settings := file.settings) is None:
        raise refused(config, checked(file).problems)
    found = []
    if not json:
        say(f"{'configuration':15} ok       {config}")
    for check, result in looked_at(CheckedNode(settings, network=network, deep=deep), Asker.DOCTOR):
        found.append((check, result))
        if not json:
            _show(check, result)
    count = {state: sum(result.state == state for _, result in found) for state in ("problem", "warning")}
    if json:
        say_json(
            {"config": str(config), "problems": count["problem"], "warnings": count["warning"], "checks": _rows(found)}
        )
    else:
        say(", ".join(counted(number, state) for state, number in count.items()))
    if count["problem"]:
        raise typer.Exit(ExitCode.FAILED)


def _show(check: Check, result: CheckResult) -> None:
    say(f"{check.name:15} {result.state:8} {result.fact}", STYLES[result.state])
    if result.state != "ok" and result.remedy:
        say(f"{'':24} {result.remedy}")


def _rows(found: list[tuple[Check, CheckResult]]) -> list[dict[str, Any]]:
    return [
        {
            "check": check.name,
            "state": result.state,
            "fact": result.fact,
            "remedy": result.remedy,
            "setting": dotted(result.loc) if result.loc else None,
            "stops_the_node": result.stops,
        }
        for check, result in found
    ]
