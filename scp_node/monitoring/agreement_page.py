"""The agreement of two models as one HTML page that needs no other file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from converter.page import markup
from converter.page.counted import counted
from converter.page.document import html_document
from scp_node.monitoring.agreement import Agreement, Unscored

TITLE = "Agreement of models"
NOTICE = "Research use only. The second model runs in the shadow of the first: nothing of it has left the node."
NOT_DEFINED = "not defined"


def agreement_page(
    found: Sequence[Agreement], unscored: Sequence[Unscored], since: datetime, created_at: datetime
) -> str:
    """A page over all pairs; nothing in it comes from a patient but the UIDs of images."""
    period = f"<p>Images scored from {since:%Y-%m-%d %H:%M} to {created_at:%Y-%m-%d %H:%M} UTC.</p>"
    parts = (
        markup.header(TITLE, period, notice=[NOTICE]),
        *(_pair(one) for one in found),
        _unscored(unscored),
        "" if found or unscored else "<section><p>No image was scored by a second model in this time.</p></section>",
    )
    return html_document(TITLE, parts)


def number(value: float | None, digits: int = 4) -> str:
    return NOT_DEFINED if value is None else f"{value:.{digits}f}"


def _pair(one: Agreement) -> str:
    figures = (
        ("images", str(one.images)),
        ("mean difference (second less first)", f"{one.mean_difference:+.4f}"),
        ("mean absolute difference", f"{one.mean_absolute_difference:.4f}"),
        ("correlation", number(one.correlation)),
        ("kappa", number(one.kappa)),
    )
    return markup.section(
        f"{escape(one.finding)}: {escape(one.first)} and {escape(one.second)}, route {escape(one.route)}",
        markup.facts(figures),
        "<h3>Decisions, each model at its own operating point</h3>",
        _decisions(one),
        f"<h3>The {counted(len(one.differing), 'image')} on which they differ most, unequal decisions first</h3>",
        _differing(one),
    )


def _decisions(one: Agreement) -> str:
    rows = zip(("first negative", "first positive"), one.table, strict=True)
    return markup.table(
        "Decisions of both models",
        ["second negative", "second positive"],
        [markup.row(name, map(str, images)) for name, images in rows],
    )


def _differing(one: Agreement) -> str:
    rows = [
        markup.row(
            f"<code>{escape(image.sop_instance_uid)}</code>",
            [f"{image.first:.4f}", f"{image.second:.4f}", "differ" if image.decisions_differ else "agree"],
            "differ" if image.decisions_differ else "",
        )
        for image in one.differing
    ]
    heads = [escape(one.first), escape(one.second), "decisions"]
    return markup.table("Images on which the models differ most", heads, rows, "SOP Instance UID")


def _unscored(unscored: Sequence[Unscored]) -> str:
    if not unscored:
        return ""
    rows = [
        markup.row(
            escape(one.second), [escape(one.route), f"{escape(one.outcome)}: {escape(one.reason)}", str(one.images)]
        )
        for one in unscored
    ]
    heading = "Images that the second model did not score"
    return markup.section(heading, markup.table(heading, ["route", "reason", "images"], rows, "model"))
