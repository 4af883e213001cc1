"""Which kinds of results are built for a route, and which destination gets which: as listed, or by `results: auto`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from converter.result.kinds.table import KIND_NAMES, RESULT_KINDS, ResultKind
from scp_node.settings import Route

REPORT = RESULT_KINDS["sr"]
# Whether a destination takes a SOP class, as it has said; None = it was never asked.
Accepted = Callable[[str, str], bool | None]


@dataclass(frozen=True)
class ChosenResults:
    """destinations: by kind, in the order of the table, those that get it; a kind without any is not built. words: what
    was chosen and why, as `hilum explain` shows it."""

    destinations: Mapping[str, tuple[str, ...]]
    words: str


def choose_kinds(route: Route, accepted: Accepted) -> ChosenResults:
    """What the settings list goes to every destination. `auto` gives each what it has said that it takes."""
    if not route.results_are_chosen:
        to = tuple(route.to)
        return ChosenResults(dict.fromkeys(route.results, to), f"as listed: {', '.join(route.results)}")
    taken = {
        name: tuple(destination for destination in route.to if _takes(kind, destination, accepted))
        for name, kind in RESULT_KINDS.items()
    }
    return ChosenResults(
        {name: destinations for name, destinations in taken.items() if destinations},
        "; ".join(_told(destination, taken, accepted) for destination in route.to),
    )


def _takes(kind: ResultKind, destination: str, accepted: Accepted) -> bool:
    match kind.auto:
        case "unless refused":
            return not _refuses(kind, destination, accepted)
        case "where accepted":
            return any(accepted(destination, uid) for uid in kind.sop_classes)
        case "instead of sr":
            return _refuses(REPORT, destination, accepted) and not _refuses(kind, destination, accepted)
        case "never":
            return False


def _refuses(kind: ResultKind, destination: str, accepted: Accepted) -> bool:
    return all(accepted(destination, uid) is False for uid in kind.sop_classes)


def _told(destination: str, taken: Mapping[str, tuple[str, ...]], accepted: Accepted) -> str:
    """What it gets, what it has refused, and what it was never asked for."""
    by_itself = [RESULT_KINDS[name] for name in KIND_NAMES if RESULT_KINDS[name].auto != "never"]
    gets = [kind.name for kind in by_itself if destination in taken[kind.name]]
    refused = [kind.name for kind in by_itself if _refuses(kind, destination, accepted)]
    unasked = [
        kind.name
        for kind in by_itself
        if kind.auto == "where accepted" and all(accepted(destination, uid) is None for uid in kind.sop_classes)
    ]
    parts = [f"auto: {destination} gets {', '.join(gets) or 'nothing'}"]
    parts += [f"refuses {', '.join(refused)}"] if refused else []
    parts += [f"not asked yet: {', '.join(unasked)}"] if unasked else []
    return ", ".join(parts)
