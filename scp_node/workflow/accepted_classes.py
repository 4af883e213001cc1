"""What the destinations of a route have said that they take; whoever was never asked is asked before a choice."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from scp_node.deliver.destinations import module_of
from scp_node.deliver.result_objects import RESULT_CLASSES
from scp_node.reporting.choice import Accepted
from scp_node.settings import Route
from scp_node.workflow.services import Services

log = logging.getLogger(__name__)


def accepted_classes(services: Services, route: Route) -> Accepted:
    """Whether a destination takes a SOP class, by the last association with it; None where nothing is known."""
    if route.results_are_chosen:
        _ask_unasked(services, route.to)
    settings = services.settings()
    places = {name: settings.destination(name) for name in route.to}
    with services.ledger.reading() as tx:
        known = {name: tx.sop_classes.known(name) for name in route.to}

    def accepted(name: str, sop_class_uid: str) -> bool | None:
        place = places[name]
        can_go = place is None or module_of(place.kind).accepts(sop_class_uid)
        return known[name].get(sop_class_uid) if can_go else False

    return accepted


def _ask_unasked(services: Services, names: Sequence[str]) -> None:
    """One association shows which presentation contexts are accepted, so that nothing is built in vain for the first
    study; what is reached by DICOMweb shows it with each object only. Who cannot be reached is not asked again as long
    as it counts as unreached: no study waits for it."""
    remotes = [name for name in names if name in services.settings().remote_aes]
    with services.ledger.reading() as tx:
        unreached = tx.unreached.all()
        unasked = [name for name in remotes if name not in unreached and not tx.sop_classes.known(name)]
    for name in unasked:
        found = services.destinations.probe(name)
        with services.ledger.transaction() as tx:
            if not found.accepted:
                tx.unreached.enter(name, found.problem)
            for uid in RESULT_CLASSES if found.accepted else ():
                tx.sop_classes.set_accepted(name, uid, accepted=bool(found.accepted.get(uid)))
        log.info("destination asked what it takes", extra={"destination": name, "answered": bool(found.accepted)})
