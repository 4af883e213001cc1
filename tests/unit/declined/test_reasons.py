"""The table of decline reasons is whole: every code that the code base can give has a row, and every row is given."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from converter.declined import DECLINE_REASONS, GATE_CODES, OTHER_PATIENT, REASON_OF_CODE, Declined, DeclineReason
from scp_node.ledger.tables import instance
from tests.support.checkout import CHECKOUT
from training.gate.kinds import BRAIN_KINDS, CHEST_KINDS


def codes_in_the_source() -> Iterator[object]:
    """The codes written out where a Declined is made or a row of the ledger gets its decline_code. A code that comes
    from elsewhere (a manifest, a decoding process, the ledger) is checked when the Declined is made."""
    for package in ("converter", "scp_node"):
        for path in (CHECKOUT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Declined":
                    yield getattr(node.args[0], "value", None)
                if isinstance(node, ast.keyword) and node.arg == "decline_code":
                    yield getattr(node.value, "value", None)


def test_every_code_that_is_given_has_a_row_and_every_row_is_given() -> None:
    written = {code for code in codes_in_the_source() if isinstance(code, str)}
    from_gates = {kind.code for kind in (*CHEST_KINDS, *BRAIN_KINDS) if kind.code}
    assert written | from_gates | {OTHER_PATIENT} == set(REASON_OF_CODE)


def test_no_code_has_two_rows() -> None:
    assert len(REASON_OF_CODE) == len(DECLINE_REASONS)


def test_the_codes_of_gates_are_those_that_begin_with_gate() -> None:
    assert set(GATE_CODES) == {code for code in REASON_OF_CODE if code.startswith("gate-")}


def test_a_code_fits_into_its_column_of_the_ledger() -> None:
    assert isinstance(instance.c.decline_code.type, sa.String)
    assert instance.c.decline_code.type.length == max(32, *map(len, REASON_OF_CODE))


@pytest.mark.parametrize("reason", DECLINE_REASONS, ids=lambda reason: reason.code)
def test_the_sentence_can_follow_a_colon_and_the_advice_stands_alone(reason: DeclineReason) -> None:
    assert reason.sentence and not reason.sentence.endswith(".")
    assert not reason.advice or (not reason.advice[0].islower() and reason.advice.endswith("."))


def test_a_code_without_a_row_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown decline code 'gate-fancy'"):
        Declined("gate-fancy", "no such row")
