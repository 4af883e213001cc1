"""What pages say, in the languages there are: one file a language, which has the English words as its keys. What
results say too stands in theirs.

A caption without a translation is shown in English. What deeper rooms say (reasons, advice, log lines) is English.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from fastapi import Request

from converter.words.catalogue import Language, words_in
from scp_node.web.pages import formats

FOLDER = Path(__file__).parents[1] / "captions"
DEFAULT: Language = "en"
# In their own words, because whoever looks for a language reads that one.
NAMES: dict[Language, str] = {"en": "English", "de": "Deutsch", "ja": "日本語"}
COOKIE = "hilum_language"


class Captions:
    """The words of one language. Called with an English caption, and with what stands in its braces."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._words = words_of(language)

    def __call__(self, caption: str, /, **values: object) -> str:
        text = self._words.get(caption, caption)
        return text.format(**values) if values else text

    def counted(self, number: int, one: str, many: str, /, **values: object) -> str:
        """The caption for one thing, or the caption for any other number of them, which stands in it as {count}."""
        return self(one if number == 1 else many, count=formats.count(number), **values)


@cache
def words_of(language: Language) -> dict[str, str]:
    """English captions with their translation, those of results among them; nothing for English itself."""
    if language == DEFAULT:
        return {}
    found: dict[str, str] = yaml.safe_load((FOLDER / f"{language}.yaml").read_text("utf-8")) or {}
    return {**words_in(language).translated, **found}


def language_of(request: Request) -> Language:
    """That of the cookie, else the first of Accept-Language (RFC 9110 12.5.4) that there is."""
    chosen = request.cookies.get(COOKIE)
    if chosen in NAMES:
        return chosen
    for part in request.headers.get("accept-language", "")[:200].split(","):
        language = part.split(";")[0].strip().lower().split("-")[0]
        if language in NAMES:
            return language
    return DEFAULT
