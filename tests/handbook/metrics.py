"""Every metric of the node, by the role that counts it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from scp_node.telemetry import metrics as node_metrics
from tests.handbook.markdown import table


@dataclass(frozen=True)
class MetricRow:
    """A metric as `/metrics` shows it. `role`: receiver, worker or web."""

    role: str
    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


def metric_rows() -> list[MetricRow]:
    """What the registries of the roles hold, in the order in which the code defines it."""
    registries = {name.lower(): value for name, value in vars(node_metrics).items() if _is_registry(value)}
    defined = [value for value in vars(node_metrics).values() if isinstance(value, MetricWrapperBase)]
    rows = []
    for role, registry in registries.items():
        known = {family.name for family in registry.collect()}
        for one in (metric for metric in defined if metric._name in known):
            name = f"{one._name}_total" if one._type == "counter" else one._name
            rows.append(MetricRow(role, name, str(one._type), tuple(one._labelnames), one._documentation))
    return rows


def metrics() -> str:
    """A heading and a table for each role."""
    return "\n\n".join(_roles())


def _roles() -> Iterator[str]:
    rows = metric_rows()
    for role in dict.fromkeys(row.role for row in rows):
        lines = [
            (f"`{row.name}`", row.kind, ", ".join(f"`{label}`" for label in row.labels), row.meaning)
            for row in rows
            if row.role == role
        ]
        yield f"## Role {role}\n\n{table(('metric', 'kind', 'labels', 'meaning'), lines)}"


def _is_registry(value: object) -> bool:
    return isinstance(value, CollectorRegistry)
