"""The words of one language: a file each beside this one, which has the English words as its keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import yaml

Language = Literal["en", "de", "ja"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Words:
    """Called with an English label, and with what stands in its braces; a label without translation is shown in
    English. `language`: as RFC 5646 writes it."""

    language: str
    translated: Mapping[str, str]

    def __call__(self, label: str, /, **values: object) -> str:
        text = self.translated.get(label, label)
        return text.format(**values) if values else text


ENGLISH = Words("en", {})
Say = Callable[..., str]


@cache
def words_in(language: Language) -> Words:
    """The table of `language`, empty for English itself."""
    if language == ENGLISH.language:
        return ENGLISH
    return Words(language, yaml.safe_load((FOLDER / f"{language}.yaml").read_text("utf-8")))
