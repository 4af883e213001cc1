"""The presentation contexts this node accepts: verification, each storage class in every syntax it can decode, and
storage commitment, in which the peer that asks for the association is the SCP (PS3.4 J.3.3, PS3.7 D.3.3.4)."""

from __future__ import annotations

from collections.abc import Iterable

from pynetdicom.presentation import PresentationContext, build_context

from converter.image.sop_classes import STORAGE_CLASSES, storage_classes
from converter.image.transfer_syntaxes import TRANSFER_SYNTAXES
from scp_node.dimse.uids import EXPLICIT_LE, IMPLICIT_LE, STORAGE_COMMITMENT, VERIFICATION
from scp_node.settings import Settings


def modalities_of(settings: Settings) -> set[str]:
    """The modalities that the routes take."""
    return {modality for route in settings.routes for modality in route.when.modality}


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
