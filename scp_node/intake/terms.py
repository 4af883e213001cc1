"""What is taken of received objects, whichever way they come: SOP classes, and how far a data set is followed."""

from __future__ import annotations

from converter.image.sop_classes import STORAGE_CLASSES, storage_classes
from scp_node.intake.header import WalkLimits
from scp_node.settings import Settings


def modalities_of(settings: Settings) -> set[str]:
    """The modalities that the routes take."""
    return {modality for route in settings.routes for modality in route.when.modality}


def classes_taken(settings: Settings) -> dict[str, str]:
    """SOP classes by UID: those of radiographs, and those of the modalities that routes take."""
    return STORAGE_CLASSES | storage_classes(modalities_of(settings))


def walk_limits(settings: Settings) -> WalkLimits:
    """How far a received data set is followed."""
    return WalkLimits(settings.receiver.elements_max, settings.inference.inflated_bytes_max)
