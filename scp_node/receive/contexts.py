"""The presentation contexts this node accepts: verification, and each storage class in every syntax it can decode."""

from __future__ import annotations

from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.presentation import PresentationContext, build_context

from converter.image.sop_classes import STORAGE_CLASSES
from converter.image.transfer_syntaxes import TRANSFER_SYNTAXES

VERIFICATION = "1.2.840.10008.1.1"


def presentation_contexts() -> list[PresentationContext]:
    """One context a SOP class. Where a sender offers several syntaxes, the first one of the table is chosen."""
    syntaxes = [syntax.uid for syntax in TRANSFER_SYNTAXES]
    return [
        build_context(VERIFICATION, [ExplicitVRLittleEndian, ImplicitVRLittleEndian]),
        *(build_context(sop_class_uid, syntaxes) for sop_class_uid in STORAGE_CLASSES),
    ]
