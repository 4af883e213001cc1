"""`hilum models agreement` and `hilum models drift`: what a running node has learnt about its models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from converter.page.counted import counted
from scp_node.cli.moments import HELP, moment_named
from scp_node.cli.options import DEFAULT_CONFIG, JsonOption, PlaceOption, reading_node
from scp_node.cli.terminal import say, say_json

if TYPE_CHECKING:
    from scp_node.monitoring.agreement import Agreement, Unscored
    from scp_node.monitoring.drift import SenderDrift


def agreement(
    config: PlaceOption = DEFAULT_CONFIG,
    since: Annotated[str, typer.Option(metavar="MOMENT", help=f"Since then: {HELP}.")] = "30d",
    html: Annotated[Path | None, typer.Option(dir_okay=False, help="Write the report there as one HTML page.")] = None,
    json: JsonOption = False,
) -> None:
    """How far second models (`shadow` of a route) agree with the first ones, by finding, on the same images."""
    from scp_node.monitoring.agreement_page import agreement_page
    from scp_node.queries.model_reports import agreement_report

    moment = datetime.now(UTC)
    begin = moment_named("--since", since, moment)
    with reading_node(config) as (_, ledger), ledger.reading() as tx:
        report = agreement_report(tx, begin)
    if html is not None:
        html.write_text(agreement_page(report.agreements, report.unscored, begin, moment), encoding="utf-8")
    if json:
        say_json(report.document())
        return
    for line in agreement_lines(report.agreements, report.unscored):
        say(line)
    if html is not None:
        say(f"written to {html}")


def drift(config: PlaceOption = DEFAULT_CONFIG, json: JsonOption = False) -> None:
    """Whether scores and images of each sender are still like those that its model package was validated with."""
    from scp_node.queries.model_reports import drift_report

    with reading_node(config) as (settings, ledger):
        report = drift_report(ledger, settings)
    if json:
        say_json(report.document())
        return
    for line in drift_lines(report.senders, report.window_days):
        say(line)


def agreement_lines(found: Sequence[Agreement], unscored: Sequence[Unscored]) -> Iterator[str]:
    """The report for a terminal."""
    from scp_node.monitoring.agreement_page import number

    if not found and not unscored:
        yield "No image was scored by a second model in this time; a route names one with shadow: NAME@VERSION."
    for one in found:
        (both_negative, second_only), (first_only, both_positive) = one.table
        yield f"{one.finding}: {one.first} and {one.second}, route {one.route}"
        yield f"  images              {one.images}"
        yield f"  mean difference     {one.mean_difference:+.4f} (absolute {one.mean_absolute_difference:.4f})"
        yield f"  correlation         {number(one.correlation)}"
        yield f"  both negative       {both_negative:8}    only second positive {second_only:8}"
        yield f"  only first positive {first_only:8}    both positive        {both_positive:8}"
        yield f"  kappa               {number(one.kappa)}"
        yield "  differing most (first, second):"
        for image in one.differing:
            decided = "  decisions differ" if image.decisions_differ else ""
            yield f"    {image.sop_instance_uid}  {image.first:.4f}  {image.second:.4f}{decided}"
    for other in unscored:
        yield f"not scored by {other.second}, route {other.route}: {other.images} {other.outcome} ({other.reason})"


def drift_lines(senders: Sequence[SenderDrift], window_days: int) -> Iterator[str]:
    """The table for a terminal: each sender, and what of it has moved."""
    from scp_node.monitoring.drift import STATES

    if not senders:
        yield f"No image was judged in the last {counted(window_days, 'day')}."
    for one in senders:
        yield f"{one.model}  {one.ae_title}  station {one.station}: {one.state} ({STATES[one.state]})"
        declines = ", ".join(f"{count} {code}" for code, count in one.declines.items())
        yield (
            f"  {counted(one.images, 'image')} in {counted(window_days, 'day')}, {one.refused} refused by their header"
            + (f"; declined for their pixels: {declines}" if declines else "")
        )
        for shift in sorted(one.shifts, key=lambda shift: -shift.beyond_chance):
            yield f"  {shift.name:24} PSI {shift.index:7.3f}  by chance {shift.chance:6.3f}  {shift.state}"
