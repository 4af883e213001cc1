"""What is offered to senders is the product of the two tables of the converter, and nothing beside it."""

from __future__ import annotations

import pytest
from pynetdicom.presentation import AllStoragePresentationContexts, build_context, negotiate_as_acceptor

from converter.image.sop_classes import CT_IMAGE, MR_IMAGE, STORAGE_CLASSES
from converter.image.transfer_syntaxes import TRANSFER_SYNTAXES
from scp_node.dimse.uids import VERIFICATION
from scp_node.receive.contexts import presentation_contexts

KNOWN_CLASSES = {str(context.abstract_syntax) for context in AllStoragePresentationContexts}


def negotiated(sop_class: str, *syntaxes: str, modalities: tuple[str, ...] = ()) -> str | None:
    """The syntax that is agreed on, or None."""
    request = build_context(sop_class, list(syntaxes))
    request.context_id = 1
    (result,), _ = negotiate_as_acceptor([request], presentation_contexts(modalities))
    return str(result.transfer_syntax[0]) if result.result == 0 else None


@pytest.mark.parametrize("syntax", [syntax.uid for syntax in TRANSFER_SYNTAXES])
@pytest.mark.parametrize("sop_class", STORAGE_CLASSES)
def test_each_storage_class_is_taken_in_each_syntax_that_can_be_decoded(sop_class: str, syntax: str) -> None:
    assert negotiated(sop_class, syntax) == syntax


@pytest.mark.parametrize("sop_class", sorted(KNOWN_CLASSES - STORAGE_CLASSES.keys()))
def test_no_other_storage_class_is_taken(sop_class: str) -> None:
    assert negotiated(sop_class, "1.2.840.10008.1.2.1") is None


@pytest.mark.parametrize(
    ("modalities", "taken"),
    [(("CR", "DX"), set()), (("DX", "MR"), {MR_IMAGE}), (("CT",), {CT_IMAGE}), (("CT", "MR"), {CT_IMAGE, MR_IMAGE})],
)
def test_slices_are_taken_where_a_route_names_their_modality(modalities: tuple[str, ...], taken: set[str]) -> None:
    syntax = "1.2.840.10008.1.2.1"
    offered = {CT_IMAGE, MR_IMAGE, *STORAGE_CLASSES}
    assert {one for one in offered if negotiated(one, syntax, modalities=modalities)} == taken | STORAGE_CLASSES.keys()


@pytest.mark.parametrize(
    "syntax",
    [
        "1.2.840.10008.1.2.4.100",
        "1.2.840.10008.1.2.4.102",
        "1.2.840.10008.1.2.4.110",
        "1.2.840.10008.1.2.6.1",
        "1.2.3",
    ],
)
def test_a_syntax_that_cannot_be_decoded_is_not_taken(syntax: str) -> None:
    assert syntax not in {row.uid for row in TRANSFER_SYNTAXES}
    assert negotiated(next(iter(STORAGE_CLASSES)), syntax) is None


def test_of_several_syntaxes_the_first_one_of_the_table_is_chosen() -> None:
    offered = [row.uid for row in reversed(TRANSFER_SYNTAXES)]
    assert negotiated(next(iter(STORAGE_CLASSES)), *offered) == TRANSFER_SYNTAXES[0].uid


def test_verification_is_taken_uncompressed_only() -> None:
    assert negotiated(VERIFICATION, "1.2.840.10008.1.2") == "1.2.840.10008.1.2"
    assert negotiated(VERIFICATION, "1.2.840.10008.1.2.4.70") is None
