"""What the roles of a node say of themselves at each beat: whether they are ready, and a few of their numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from scp_node.telemetry.heartbeat import RoleStatus

_NAMES = (
    "hilum_model_ready",
    "hilum_spool_free_bytes",
    "hilum_spool_disk_bytes",
    "hilum_disk_full_in_days",
    "hilum_certificate_expiry_seconds",
    "hilum_drift_alarm",
    "hilum_decode_sandbox",
)


@dataclass(frozen=True)
class RoleSign:
    """One role: ready when nothing stands in its way. `is_needed`: the node is not ready without it."""

    role: str
    obstacles: tuple[str, ...]
    is_needed: bool = True


@dataclass(frozen=True)
class ModelSign:
    """A model that a worker has loaded, and what it runs on."""

    label: str
    provider: str


@dataclass(frozen=True)
class NodeSigns:
    """What is None was not said. `full_in_days`: infinite where as much goes as comes. `drifting`: model and sender of
    images that are others than those the model was validated with. `sandbox_lacks`: parts that confine nothing."""

    roles: tuple[RoleSign, ...]
    models: tuple[ModelSign, ...]
    free_bytes: float | None = None
    disk_bytes: float | None = None
    full_in_days: float | None = None
    certificate_expires_in_s: float | None = None
    drifting: tuple[tuple[str, str], ...] = ()
    sandbox_lacks: tuple[str, ...] = ()


def signs_of(statuses: Iterable[RoleStatus], beside: Iterable[RoleStatus] = ()) -> NodeSigns:
    """A role that fell silent has no numbers. `beside`: roles without which the node is ready."""
    known = list(statuses)
    samples = [sample for status in known for sample in _samples(status.metrics)]

    def number(name: str) -> float | None:
        return next((one.value for one in samples if one.name == name and not math.isnan(one.value)), None)

    def labelled(name: str, value: float) -> list[dict[str, str]]:
        return [one.labels for one in samples if one.name == name and one.value == value]

    return NodeSigns(
        roles=(
            *(RoleSign(status.role, status.obstacles) for status in known),
            *(RoleSign(status.role, status.obstacles, is_needed=False) for status in beside),
        ),
        models=tuple(ModelSign(one["model"], one["provider"]) for one in labelled("hilum_model_ready", 1)),
        free_bytes=number("hilum_spool_free_bytes"),
        disk_bytes=number("hilum_spool_disk_bytes"),
        full_in_days=number("hilum_disk_full_in_days"),
        certificate_expires_in_s=number("hilum_certificate_expiry_seconds"),
        drifting=tuple((one["model"], one["ae_title"]) for one in labelled("hilum_drift_alarm", 1)),
        sandbox_lacks=tuple(one["part"] for one in labelled("hilum_decode_sandbox", 0)),
    )


def _samples(metrics: str) -> Iterator[Sample]:
    """Of the metrics that are asked for; the others are most of the text, and are not parsed."""
    wanted = "".join(f"{line}\n" for line in metrics.splitlines() if line.startswith(_NAMES))
    for family in text_string_to_metric_families(wanted):
        yield from family.samples
