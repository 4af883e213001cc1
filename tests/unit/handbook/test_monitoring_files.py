"""What Prometheus and Grafana are given asks for metrics that there are, and says what to do."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from scp_node.telemetry import metrics
from tests.handbook.documents import HANDBOOK
from tests.handbook.markdown import anchors
from tests.handbook.metrics import metric_rows
from tests.support.checkout import CONFIG

ALERTS, DASHBOARD = CONFIG / "deploy" / "prometheus-alerts.yaml", CONFIG / "deploy" / "grafana-dashboard.json"
RULES: list[dict[str, Any]] = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"][0]["rules"]
# An alert that a site chooses the hours of, as it stands behind '#'.
COMMENTED: list[dict[str, Any]] = yaml.safe_load(
    "\n".join(re.findall(r"^      # ((?:- |  ).*)$", ALERTS.read_text("utf-8"), re.M))
)
MODEL: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
PANELS: list[dict[str, Any]] = [panel for panel in MODEL["panels"] if panel["type"] != "row"]
LABELS_OF_PROMETHEUS = {"instance", "job"}


def known() -> dict[str, set[str]]:
    """Every series, with its labels: of a histogram its buckets, sum and count."""
    found: dict[str, set[str]] = {}
    for row in metric_rows():
        ends: dict[str, set[str]] = (
            {"_bucket": {"le"}, "_sum": set(), "_count": set()} if row.kind == "histogram" else {"": set()}
        )
        found |= {f"{row.name}{end}": {*row.labels, *more} for end, more in ends.items()}
    return found


def used(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Each metric of an expression, with the labels it is asked by."""
    for name, braces in re.findall(r"\b(hilum_\w+)(?:\{([^}]*)\})?", expression):
        yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", braces))


def strange(expression: str) -> list[str]:
    """What an expression asks for that is not there."""
    series = known()
    found = [name for name, _ in used(expression) if name not in series]
    found += [
        f"{name}{{{label}}}"
        for name, labels in used(expression)
        for label in labels - series.get(name, set()) - LABELS_OF_PROMETHEUS
    ]
    labels = {label for name, _ in used(expression) for label in series.get(name, ())} | LABELS_OF_PROMETHEUS
    grouped = re.findall(r"\b(?:by|on|without) ?\(([^)]*)\)", expression)
    found += [one for group in grouped for one in re.findall(r"\w+", group) if one not in labels]
    return found


@pytest.mark.parametrize("rule", [*RULES, *COMMENTED], ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_what_there_is_and_says_what_to_do(rule: dict[str, Any]) -> None:
    assert list(used(rule["expr"])) and strange(rule["expr"]) == []
    notes = rule["annotations"]
    assert notes["summary"].startswith("Hilum: ") and len(notes["description"]) > 40
    labels = {label for name, _ in used(rule["expr"]) for label in known()[name]} | LABELS_OF_PROMETHEUS
    assert set(re.findall(r"\$labels\.(\w+)", notes["summary"])) <= labels
    assert rule["labels"]["severity"] in ("warning", "critical")
    page, _, anchor = notes["handbook"].partition("#")
    text = (HANDBOOK / page).read_text("utf-8")
    assert not anchor or anchor in anchors(text)


def test_everything_that_somebody_is_woken_up_for_has_its_alert() -> None:
    asked = {name for rule in [*RULES, *COMMENTED] for name, _ in used(rule["expr"])}
    assert asked >= {
        *("hilum_role_ready", "hilum_jobs", "hilum_queue_age_seconds", "hilum_disk_full_in_days"),
        *("hilum_certificate_expiry_seconds", "hilum_inference_provider", "hilum_drift_alarm"),
        *("hilum_instances_stored_total", "hilum_tls_failures_total", "hilum_decode_sandbox"),
    }
    assert len({rule["alert"] for rule in RULES}) == len(RULES)


@pytest.mark.peer("promtool")
def test_prometheus_takes_the_rules() -> None:
    program = shutil.which("promtool")
    assert program is not None
    answer = subprocess.run([program, "check", "rules", str(ALERTS)], capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_dashboard_has_what_grafana_asks_of_one() -> None:
    assert {"title", "uid", "schemaVersion", "version", "panels", "templating", "time", "tags"} <= MODEL.keys()
    assert "id" not in MODEL and MODEL["schemaVersion"] >= 36
    names = [one["name"] for one in MODEL["templating"]["list"]]
    assert names == ["datasource", "instance"]
    ids = [panel["id"] for panel in MODEL["panels"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_asks_for_what_there_is(panel: dict[str, Any]) -> None:
    assert {"id", "type", "title", "description", "datasource", "gridPos", "targets", "fieldConfig"} <= panel.keys()
    assert panel["fieldConfig"]["defaults"]["unit"] and panel["description"].endswith(".")
    place = panel["gridPos"]
    assert place["x"] + place["w"] <= 24 and min(place["w"], place["h"]) > 0
    assert panel["targets"] and len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    for target in panel["targets"]:
        assert list(used(target["expr"])) and strange(target["expr"]) == []
        assert target["datasource"]["uid"] == "${datasource}"
        labels = {label for name, _ in used(target["expr"]) for label in known()[name]}
        assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= labels


def test_panels_do_not_cover_each_other() -> None:
    cells: set[tuple[int, int]] = set()
    for panel in MODEL["panels"]:
        place = panel["gridPos"]
        mine = {(x + place["x"], y + place["y"]) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & mine, panel["title"]
        cells |= mine


def test_every_metric_that_is_counted_is_shown_or_wakes_somebody_up() -> None:
    asked = {name for panel in PANELS for target in panel["targets"] for name, _ in used(target["expr"])}
    asked |= {name for rule in RULES for name, _ in used(rule["expr"])}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked}
    assert {row.name for row in metric_rows()} - families <= {"hilum_drift_images"}


def test_no_metric_can_name_a_patient() -> None:
    """A label is a word of a table of the code, of the configuration, or a name of a device that is checked."""
    bounded = {
        *("limit", "reason", "status", "certificate", "provider", "code", "mode", "part", "model", "ae_title"),
        *("station", "state", "what", "role", "kind", "queue", "step", "host_id"),
    }
    assert {label for row in metric_rows() for label in row.labels} <= bounded
    assert metrics.step_seconds._labelnames == ("step",)
