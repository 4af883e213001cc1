"""Which model packages a node has, and what each does there: routes, second model, provider, drift. Read only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from scp_node.errors import ModelUnusable
from scp_node.inference.packages import Folders, find_package
from scp_node.monitoring.drift import DriftState, SenderDrift
from scp_node.settings import Settings
from scp_node.telemetry.heartbeat import RoleStatus

# The state of a model is that of its worst sender.
ORDER: tuple[DriftState, ...] = ("alarm", "watch", "stable", "too-few", "no-reference")


@dataclass(frozen=True)
class ModelUse:
    """What one package does in a node. provider: that of the running worker, or empty. drift: the state and number of
    its senders, the worst first."""

    label: str
    routes: tuple[str, ...]
    shadow_of: tuple[str, ...]
    provider: str
    drift: tuple[tuple[DriftState, int], ...]

    @property
    def is_active(self) -> bool:
        return bool(self.routes or self.shadow_of)


def models_in_use(
    settings: Settings, folders: Folders, statuses: Iterable[RoleStatus], senders: Iterable[SenderDrift]
) -> dict[str, ModelUse]:
    """By label, every package that a route names; one that cannot be opened by the word of the route."""
    providers = _providers(statuses)
    routes: dict[str, list[str]] = {}
    shadow_of: dict[str, list[str]] = {}
    for route in settings.routes:
        routes.setdefault(_label(folders, route.model, providers), []).append(route.name)
        if route.shadow is not None:
            shadow_of.setdefault(route.shadow, []).append(route.name)
    seen = list(senders)
    return {
        label: ModelUse(
            label,
            tuple(routes.get(label, ())),
            tuple(shadow_of.get(label, ())),
            providers.get(label, ""),
            _states([one.state for one in seen if one.model == label]),
        )
        for label in sorted({*routes, *shadow_of})
    }


def _label(folders: Folders, model: str, loaded: Mapping[str, str]) -> str:
    """What runs under the name `model`. A worker that runs keeps the version it began with when a higher one is put
    beside it; without a worker it is the version that the next one would take."""
    try:
        label = find_package(folders, model).label
    except ModelUnusable:
        label = model.partition("#")[0]
    running = [one for one in loaded if one.partition("@")[0] == model]
    return label if label in loaded or len(running) != 1 else running[0]


def _providers(statuses: Iterable[RoleStatus]) -> Mapping[str, str]:
    """What the worker says that its models run on; nothing while it is silent."""
    return {
        sample.labels["model"]: sample.labels["provider"]
        for status in statuses
        for family in text_string_to_metric_families(status.metrics)
        if family.name == "hilum_model_ready"
        for sample in family.samples
        if sample.value
    }


def _states(states: list[DriftState]) -> tuple[tuple[DriftState, int], ...]:
    return tuple((state, states.count(state)) for state in ORDER if state in states)
