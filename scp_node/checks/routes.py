"""Routes: can what they name be received, is their model there and made for it; and what the settings leave open."""

from __future__ import annotations

from collections.abc import Iterator

from converter.image.sop_classes import CLASSES_NOT_TAKEN
from scp_node.checks.result import CheckedNode, CheckResult, obstacle, ok, warning
from scp_node.settings.cautions import cautions, delivery_cautions


def routes(node: CheckedNode) -> Iterator[CheckResult]:
    """Each modality that a route names comes in storage classes of its own, which have to be negotiated."""
    receivable = []
    for number, route in enumerate(node.settings.routes):
        refused = [one for one in enumerate(route.when.modality) if one[1] in CLASSES_NOT_TAKEN]
        for position, modality in refused:
            yield obstacle(
                f"images of {modality} come as {CLASSES_NOT_TAKEN[modality]}, which this node does not take",
                "Take it out. This node takes Computed Radiography, Digital X-Ray and Secondary Capture, and CT and MR "
                "where a route names them.",
                ("routes", number, "when", "modality", position),
            )
        if not refused:
            receivable.append(f"{route.name} ({'/'.join(route.when.modality)} {'/'.join(route.when.body_part)})")
    if receivable:
        yield ok(f"what they name can be received: {', '.join(receivable)}")


def senders(node: CheckedNode) -> Iterator[CheckResult]:
    """Whoever may send needs a route: else every image is taken and declined."""
    taken: set[str] = set()
    for route in node.settings.routes:
        taken.update(route.when.from_ or node.settings.remote_aes)
    sending = [name for name, ae in node.settings.remote_aes.items() if ae.may_send]
    for name in sending:
        if name not in taken:
            fact = f"no route takes anything from {name}: its images are stored and declined (no-route)"
            yield warning(fact, f"Add {name} to routes[].when.from, or leave may_send out.", ("remote_aes", name))
    if taken.issuperset(sending):
        yield ok("each remote AE that may send has a route")


def exposure(node: CheckedNode) -> Iterator[CheckResult]:
    """What a site should know of before it opens its node."""
    found = [*cautions(node.settings), *delivery_cautions(node.settings)]
    for caution in found:
        yield warning(caution)
    if not found:
        yield ok("nothing is open that should not be")
