"""Whatever results say can be said in every language, and drawn in the fonts that there are."""

from __future__ import annotations

import re

import pytest

from converter.page.typefaces import can_show
from converter.result.labels import LABELS
from converter.words.catalogue import ENGLISH, FOLDER, LANGUAGES, Language, words_in

TRANSLATED: list[Language] = [language for language in LANGUAGES if language != ENGLISH.language]


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_label_is_translated_and_no_other(language: Language) -> None:
    assert set(words_in(language).translated) == set(LABELS)


@pytest.mark.parametrize("language", TRANSLATED)
def test_labels_stand_in_their_order_and_name_what_the_english_ones_name(language: Language) -> None:
    lines = [line for line in (FOLDER / f"{language}.yaml").read_text("utf-8").splitlines() if line.startswith('"')]
    translated = words_in(language).translated
    assert lines == sorted(lines) and len(lines) == len(translated)
    for english, text in translated.items():
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", text)), english


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_letter_of_every_word_has_a_glyph(language: Language) -> None:
    say = words_in(language)
    assert [text for text in map(say, LABELS) if not can_show(text)] == []


def test_a_label_without_translation_is_shown_in_english() -> None:
    assert words_in("ja")("Silicosis") == "Silicosis" and ENGLISH("Film {film}", film="AP 1") == "Film AP 1"
