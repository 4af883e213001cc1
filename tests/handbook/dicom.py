"""What the node takes and what it sends, as a conformance statement has it."""

from __future__ import annotations

from converter.image.sop_classes import SECTIONAL_CLASSES, STORAGE_CLASSES
from converter.image.transfer_syntaxes import TRANSFER_SYNTAXES
from scp_node.deliver.result_objects import RESULT_CLASSES, RESULT_SYNTAXES
from tests.handbook.markdown import table


def received_classes() -> str:
    """The storage SOP classes that are accepted, and when."""
    rows = [(name, f"`{uid}`", "always") for uid, name in STORAGE_CLASSES.items()]
    for modality, classes in SECTIONAL_CLASSES.items():
        rows += [(name, f"`{uid}`", f"where a route lists {modality}") for uid, name in classes.items()]
    return table(("SOP class", "UID", "accepted"), rows)


def received_syntaxes() -> str:
    """The transfer syntaxes that are accepted, in the order in which one is chosen."""
    rows = [(syntax.name, f"`{syntax.uid}`", "" if syntax.lossless else "with loss") for syntax in TRANSFER_SYNTAXES]
    return table(("transfer syntax", "UID", ""), rows)


def sent_classes() -> str:
    """The SOP classes of results, each proposed in each transfer syntax."""
    syntaxes = ", ".join(RESULT_SYNTAXES.values())
    return table(
        ("SOP class", "UID", "transfer syntaxes"), [(n, f"`{uid}`", syntaxes) for uid, n in RESULT_CLASSES.items()]
    )
