"""The agreement of two models as one HTML page that needs no other file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from scp_node.monitoring.agreement import Agreement, Unscored

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2430; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; } td, th { padding: .25rem .75rem; text-align: right; }
th { font-weight: 600; } tr + tr td, tr + tr th { border-top: 1px solid #c9d1da; } .left { text-align: left; }
.differ { background: #fdf0d8; } code { font-size: .85em; word-break: break-all; }
@media (prefers-color-scheme: dark) { body { background: #12161c; color: #e2e7ee; } .differ { background: #4a3a17; } }
"""
NOT_DEFINED = "not defined"


def agreement_page(
    found: Sequence[Agreement], unscored: Sequence[Unscored], since: datetime, created_at: datetime
) -> str:
    """A page over all pairs; nothing in it comes from a patient but the UIDs of images."""
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width"><title>Agreement of models</title>',
        f"<style>{STYLE}</style></head><body><h1>Agreement of models</h1>",
        f"<p>Images scored from {since:%Y-%m-%d %H:%M} to {created_at:%Y-%m-%d %H:%M} UTC. The second model runs in "
        "the shadow of the first: nothing of it has left the node. Research use only.</p>",
        *(_section(one) for one in found),
        _unscored(unscored),
        "" if found or unscored else "<p>No image was scored by a second model in this time.</p>",
        "</body></html>\n",
    ]
    return "".join(parts)


def number(value: float | None, digits: int = 4) -> str:
    return NOT_DEFINED if value is None else f"{value:.{digits}f}"


def _section(one: Agreement) -> str:
    (both_negative, second_only), (first_only, both_positive) = one.table
    rows = "".join(
        f'<tr{" class=differ" if image.decisions_differ else ""}><td class="left"><code>'
        f"{escape(image.sop_instance_uid)}</code></td><td>{image.first:.4f}</td><td>{image.second:.4f}</td>"
        f"<td>{'differ' if image.decisions_differ else 'agree'}</td></tr>"
        for image in one.differing
    )
    first, second = escape(one.first), escape(one.second)
    return (
        f"<h2>{escape(one.finding)}: {first} and {second}, route {escape(one.route)}</h2>"
        f"<table><tr><th class=left>images</th><td>{one.images}</td></tr>"
        f"<tr><th class=left>mean difference (second less first)</th><td>{one.mean_difference:+.4f}</td></tr>"
        f"<tr><th class=left>mean absolute difference</th><td>{one.mean_absolute_difference:.4f}</td></tr>"
        f"<tr><th class=left>correlation</th><td>{number(one.correlation)}</td></tr>"
        f"<tr><th class=left>kappa</th><td>{number(one.kappa)}</td></tr></table>"
        "<p>Decisions, each model at its own operating point:</p>"
        "<table><tr><th></th><th>second negative</th><th>second positive</th></tr>"
        f"<tr><th class=left>first negative</th><td>{both_negative}</td><td>{second_only}</td></tr>"
        f"<tr><th class=left>first positive</th><td>{first_only}</td><td>{both_positive}</td></tr></table>"
        f"<p>The {len(one.differing)} images on which they differ most, unequal decisions first:</p>"
        f"<table><tr><th class=left>SOP Instance UID</th><th>{first}</th><th>{second}</th><th>decisions</th></tr>"
        f"{rows}</table>"
    )


def _unscored(unscored: Sequence[Unscored]) -> str:
    if not unscored:
        return ""
    rows = "".join(
        f"<tr><td class=left>{escape(one.second)}</td><td class=left>{escape(one.route)}</td>"
        f"<td class=left>{escape(one.outcome)}: {escape(one.reason)}</td><td>{one.images}</td></tr>"
        for one in unscored
    )
    return (
        "<h2>Images that the second model did not score</h2><table><tr><th class=left>model</th><th class=left>route"
        f"</th><th class=left>reason</th><th>images</th></tr>{rows}</table>"
    )
