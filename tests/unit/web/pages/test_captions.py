"""Every caption of the console can be read in every language, and a caption for one thing is not that for many."""

from __future__ import annotations

import ast
import re

import pytest

from converter.result.labels import LABELS
from converter.words.catalogue import Language, words_in
from scp_node.web.application import ERROR_PAGES
from scp_node.web.pages.captions import DEFAULT, FOLDER, NAMES, Captions, words_of

WEB = FOLDER.parent
_TEXT = r'"((?:[^"\\]|\\.)*)"'
_ONE = re.compile(rf"(?<![\w.])_\(\s*{_TEXT}")
_COUNTED = re.compile(rf"_\.counted\([^\"]*?,\s*{_TEXT},\s*{_TEXT}")
LANGUAGES = [one for one in NAMES if one != DEFAULT]


def captions() -> set[str]:
    """Those that a template, a module of the console or the page of a report writes out."""
    found = {caption for pair in ERROR_PAGES.values() for caption in pair} | set(LABELS)
    for path in WEB.glob("templates/**/*.html"):
        text = path.read_text("utf-8")
        found.update(_ONE.findall(text))
        found.update(one for pair in _COUNTED.findall(text) for one in pair)
    for path in (*WEB.glob("console/*.py"), WEB / "application.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _is_of_captions(node.func) and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.add(first.value)
    return found


def _is_of_captions(called: ast.expr) -> bool:
    if isinstance(called, ast.Call):
        called = called.func
        return isinstance(called, ast.Name) and called.id == "Captions"
    return isinstance(called, ast.Name) and called.id in ("_", "captions")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_caption_is_translated(language: Language) -> None:
    found = captions()
    assert len(found) > 400 and "{count} jobs are given up." in found
    assert sorted(found - words_of(language).keys()) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_captions_stand_in_their_order_and_name_what_the_english_ones_name(language: Language) -> None:
    lines = [line for line in (FOLDER / f"{language}.yaml").read_text("utf-8").splitlines() if line.startswith('"')]
    of_results = words_in(language).translated
    assert lines == sorted(lines) and len(lines) == len(words_of(language)) - len(of_results), "a caption stands once"
    for english, text in words_of(language).items():
        if "1 " in english or "image on which" in english:  # one thing may be told as one, or as a number
            continue
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", text)), english


def test_one_thing_and_many_are_told_apart_in_every_language() -> None:
    told = {
        language: [
            Captions(language).counted(number, "1 job is given up.", "{count} jobs are given up.")
            for number in (1, 2, 12_345)
        ]
        for language in NAMES
    }
    assert told["en"] == ["1 job is given up.", "2 jobs are given up.", "12,345 jobs are given up."]
    assert told["de"][0] == "1 Auftrag ist aufgegeben." and "12,345" in told["de"][2]
    assert all("1" in texts[0] for texts in told.values())
