"""Percentages that a clinician can read and that never contradict the decision; text for any character set."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.errors import Unreportable
from converter.result.wording import percent, plain, threshold_percent

fractions = st.floats(0.0, 1.0)


@pytest.mark.parametrize(
    ("probability", "threshold", "shown"),
    [
        (0.95123, 0.42, "95.1"),
        (0.42, 0.42, "42.0"),
        (0.41998, 0.42, "41.9"),
        (0.41996, 0.41963, "42.0"),
        (0.4196, 0.41963, "41.9"),
        (0.0, 0.42, "0.1"),
        (1.0, 0.42, "99.9"),
    ],
)
def test_a_probability_has_one_decimal_and_stays_on_its_side_of_the_threshold(
    probability: float, threshold: float, shown: str
) -> None:
    assert percent(probability, threshold) == shown


@given(fractions, st.floats(0.0001, 0.9999))
def test_the_percentage_shown_never_contradicts_the_decision(probability: float, threshold: float) -> None:
    limit = float(threshold_percent(threshold))
    shown = percent(probability, threshold)
    if abs(probability - threshold) > 1e-6:  # the threshold itself is shown with four decimals
        assert (float(shown) >= limit) == (probability >= threshold)
    assert len(shown) <= 16 and 0 <= float(shown) <= 100


@pytest.mark.parametrize(("threshold", "shown"), [(0.42, "42.0"), (0.5, "50.0"), (0.41963, "41.963"), (0.1, "10.0")])
def test_a_threshold_is_shown_with_the_decimals_it_has(threshold: float, shown: str) -> None:
    assert threshold_percent(threshold) == shown


@pytest.mark.parametrize("wrong", [-0.01, 1.01, float("nan")])
def test_a_probability_outside_0_to_1_is_refused(wrong: float) -> None:
    with pytest.raises(Unreportable):
        percent(wrong, 0.5)
    with pytest.raises(Unreportable):
        threshold_percent(wrong)


@given(st.text(max_size=40))
def test_plain_text_is_printable_ascii_without_the_value_delimiter(text: str) -> None:
    folded = plain(text)
    assert folded.isascii() and "\\" not in folded
    assert all(character.isprintable() for character in folded)


def test_plain_text_keeps_what_it_can() -> None:
    assert plain("Épanchement (L/R) 山") == "Epanchement (L/R) ?"
