"""`hilum echo`: does each remote AE answer, and would it take our results."""

from __future__ import annotations

from typing import Annotated

import typer

from scp_node.cli.options import DEFAULT_CONFIG, ConfigOption
from scp_node.deliver.capabilities import Capabilities, probe
from scp_node.deliver.scu import COMPREHENSIVE_3D_SR, RESULT_CLASSES, RESULT_SYNTAXES, SECONDARY_CAPTURE
from scp_node.settings import Settings
from scp_node.settings_file import load_settings


def echo(
    remote_aes: Annotated[
        list[str] | None, typer.Argument(metavar="REMOTE_AE", help="Names under remote_aes; all of them if absent.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """C-ECHO each remote AE and show which result objects it accepts. Exit 1 when one does not answer or, being the
    destination of a route, would not take the results of that route."""
    settings = load_settings(config)
    well = True
    for name in remote_aes or settings.remote_aes:
        capabilities = probe(settings, name)
        problems = problems_of(settings, capabilities)
        well = well and not problems
        for line in description(capabilities):
            typer.echo(line)
        for problem in problems:
            typer.secho(f"  problem: {problem}", fg=typer.colors.RED)
    if not well:
        raise typer.Exit(1)


def description(found: Capabilities) -> list[str]:
    """What was found out about one remote AE, as lines for a terminal."""
    lines = [
        f"{found.remote_name}: {found.called_ae_title} at {found.host}:{found.port}, called by {found.calling_ae_title}"
    ]
    if found.association_s is not None:
        lines.append(f"  association  {1000 * found.association_s:.1f} ms")
    if found.echo_s is not None:
        lines.append(f"  C-ECHO       {1000 * found.echo_s:.1f} ms, status 0x{found.echo_status or 0:04X}")
    for uid, syntaxes in found.accepted.items():
        names = ", ".join(RESULT_SYNTAXES[syntax] for syntax in syntaxes)
        lines.append(f"  {RESULT_CLASSES[uid]:20} {f'accepted ({names})' if names else 'not accepted'}")
    if found.accepted and not found.accepted[COMPREHENSIVE_3D_SR] and found.sr_class:
        lines.append("  reports go there as Comprehensive SR")
    return lines


def problems_of(settings: Settings, found: Capabilities) -> list[str]:
    """Why results would not arrive at this remote AE; empty when nothing is wrong."""
    if found.fault is not None:
        return [found.message]
    problems = []
    if found.echo_s is None:
        problems.append(found.message)
    elif found.echo_status != 0:
        problems.append(f"C-ECHO was answered with status 0x{found.echo_status:04X} {found.message}".rstrip())
    wanted = {kind for route in settings.routes if found.remote_name in route.to for kind in route.results}
    if "sr" in wanted and found.sr_class is None:
        problems.append("it takes no Structured Report, but a route sends reports there; enable the SR classes there")
    if "heatmap" in wanted and not found.accepted[SECONDARY_CAPTURE]:
        problems.append("it takes no Secondary Capture, but a route sends heat maps there; enable that class there")
    return problems
