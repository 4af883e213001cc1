"""The presentation contexts this node accepts: verification, each storage class in every syntax it can decode, and
storage commitment, in which the peer that asks for the association is the SCP (PS3.4 J.3.3, PS3.7 D.3.3.4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydicom.uid import UID
from pynetdicom.presentation import PresentationContext, build_context

from converter.image.sop_classes import STORAGE_CLASSES, storage_classes
from converter.image.transfer_syntaxes import TRANSFER_SYNTAXES
from scp_node.dimse.association_pdus import NO_UID
from scp_node.dimse.uids import EXPLICIT_LE, IMPLICIT_LE, STORAGE_COMMITMENT, VERIFICATION
from scp_node.telemetry.printable import printable

REFUSALS_NAMED_MAX, SYNTAXES_NAMED_MAX = 8, 3
# Result of a presentation context in an A-ASSOCIATE-AC (PS3.8 Table 9-18).
REFUSED_BY_USER, ABSTRACT_SYNTAX_NOT_SUPPORTED, TRANSFER_SYNTAXES_NOT_SUPPORTED = 1, 3, 4


def presentation_contexts(modalities: Iterable[str] = ()) -> list[PresentationContext]:
    """One context a SOP class: those of radiographs, and those of `modalities`, which routes take. Where a sender
    offers several syntaxes, the first one of the table is chosen."""
    syntaxes = [syntax.uid for syntax in TRANSFER_SYNTAXES]
    reports = build_context(STORAGE_COMMITMENT, [EXPLICIT_LE, IMPLICIT_LE])
    reports.scu_role, reports.scp_role = False, True
    return [
        build_context(VERIFICATION, [EXPLICIT_LE, IMPLICIT_LE]),
        *(build_context(sop_class_uid, syntaxes) for sop_class_uid in STORAGE_CLASSES | storage_classes(modalities)),
        reports,
    ]


def refusals(proposed: Sequence[PresentationContext], refused: Sequence[PresentationContext]) -> tuple[str, ...]:
    """What was refused of what was proposed, and why, in words: REFUSALS_NAMED_MAX of them, and how many more."""
    offered = {context.context_id: context.transfer_syntax for context in proposed}
    told = dict.fromkeys(_refusal(context, offered.get(context.context_id) or []) for context in refused)
    return shortened(tuple(told), REFUSALS_NAMED_MAX)


def shortened(texts: tuple[str, ...], most: int) -> tuple[str, ...]:
    """At most `most` of them, and one that says how many more there are."""
    return texts if len(texts) <= most else (*texts[:most], f"and {len(texts) - most} more")


def _refusal(context: PresentationContext, offered: Sequence[UID]) -> str:
    name = _name(context.abstract_syntax)
    if context.result == TRANSFER_SYNTAXES_NOT_SUPPORTED:
        syntaxes = shortened(tuple(_name(one) for one in offered), SYNTAXES_NAMED_MAX)
        return f"{name}: no transfer syntax of it is supported ({', '.join(syntaxes)})"
    return f"{name}: abstract syntax not supported"


def _name(uid: UID | None) -> str:
    """A UID as people read it, with its number; what a peer made up, printable."""
    if uid is None or uid == NO_UID:
        return "no UID"
    return printable(uid) if uid.name == uid else f"{uid.name} ({uid})"
