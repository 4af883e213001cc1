"""The names of the metrics, and that a C-STORE is counted once."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from scp_node.telemetry import metrics

REGISTRIES = (metrics.RECEIVER, metrics.WORKER, metrics.WEB)


def families(registry: CollectorRegistry) -> dict[str, str]:
    return {family.name: family.documentation for family in registry.collect()}


def test_each_metric_belongs_to_one_role_so_that_their_texts_can_be_joined() -> None:
    names = [name for registry in REGISTRIES for name in families(registry)]
    assert len(names) == len(set(names)) >= 15


def test_each_metric_has_our_prefix_and_says_what_it_counts() -> None:
    for registry in REGISTRIES:
        for name, documentation in families(registry).items():
            assert name.startswith("hilum_") and documentation.endswith("."), name


@pytest.mark.parametrize(("status", "stored", "refused"), [(0x0000, 1, 0), (0xA700, 0, 1)])
def test_a_c_store_is_counted_as_stored_or_by_its_status(status: int, stored: int, refused: int) -> None:
    def value(name: str, **labels: str) -> float:
        return metrics.RECEIVER.get_sample_value(name, labels) or 0.0

    def values() -> list[float]:
        return [
            value("hilum_instances_stored_total"),
            value("hilum_store_seconds_count"),
            value("hilum_instances_refused_total", status="0xA700"),
            value("hilum_received_bytes_total"),
        ]

    before = values()
    metrics.note_store(status, 1000, 0.02)
    assert [after - old for after, old in zip(values(), before, strict=True)] == [stored, stored, refused, 1000]
    assert b"_created" not in generate_latest(metrics.RECEIVER)
