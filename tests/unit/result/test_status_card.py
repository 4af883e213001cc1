"""The card of a study without an analysed film: in the language of the site, its header in English."""

from __future__ import annotations

import numpy as np
import pytest

from converter.declined import DECLINE_REASONS, Declined
from converter.result.kinds.content import ReportedImage
from converter.result.status_card import draw_status_card
from converter.words.catalogue import LANGUAGES, Language, words_in
from tests.support.dicom.sources import lateral
from tests.support.results.contents import a_content, declined_film, results_of
from tests.support.results.reports import ALGORITHM


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_the_reason_is_it_keeps_clear_of_the_corners(language: Language) -> None:
    say = words_in(language)
    for row in DECLINE_REASONS:
        card = draw_status_card([f"lateral 2: {say(row.sentence)}"], ALGORITHM, say)
        margin = round(0.17 * card.shape[1])
        assert np.ptp(card[:, :margin]) < 5 and np.ptp(card[:, -margin:]) < 5 and np.ptp(card) > 200


def test_only_what_is_drawn_is_in_the_language_of_the_site() -> None:
    (english,), (japanese,) = (
        results_of(a_content([declined_film(lateral())], language=language))["status"] for language in ("en", "ja")
    )
    assert english.ds.DerivationDescription == japanese.ds.DerivationDescription
    assert english.ds.DerivationDescription.endswith("lateral 10: the view is lateral or oblique")
    assert english.ds.PixelData != japanese.ds.PixelData


def test_films_beyond_a_few_are_counted_only() -> None:
    films = [lateral(number) for number in range(10, 20)]
    content = a_content(
        [ReportedImage(str(one.SOPInstanceUID), one, declined=Declined("not-frontal", "")) for one in films]
    )
    first, *others = content.not_analysed(words_in("de"))
    assert first == "10 von 10 Aufnahmen nicht ausgewertet"
    assert others == [f"seitlich {number}: die Ansicht ist seitlich oder schräg" for number in (10, 11, 12)]
