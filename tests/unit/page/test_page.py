"""Every page is whole in itself, can be heard as well as seen, and is read on light, on dark and on paper."""

from __future__ import annotations

import re

import pytest

from converter.page import markup
from converter.page.document import STYLE_SHEET, html_document
from tests.support.checkout import CHECKOUT
from tests.support.pages.page_checks import PageReader, problems_of

STYLE = STYLE_SHEET.read_text(encoding="utf-8")
# Text on its ground; WCAG 2.1, 1.4.3 asks for 4.5.
TEXTS = [
    ("ink", "card"),
    ("ink", "ground"),
    ("ink", "field"),
    ("soft", "card"),
    ("soft", "ground"),
    ("soft", "field"),
    ("strong", "card"),
    ("strong", "field"),
    ("notice-ink", "notice"),
    ("present", "card"),
    ("absent", "card"),
    ("ink", "good"),
    ("ink", "bad"),
]
CONTRAST_MIN = 4.5


def colours(mode: str) -> dict[str, str]:
    """The custom properties of the style sheet that hold for a screen in light, one in dark, or paper."""
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    block = blocks[("light", "dark", "paper").index(mode)]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})", block))


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    channels = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("mode", ["light", "dark", "paper"])
@pytest.mark.parametrize(("text", "ground"), TEXTS)
def test_text_stands_out_from_its_ground(mode: str, text: str, ground: str) -> None:
    palette = colours(mode)
    brighter, darker = sorted((luminance(palette[text]), luminance(palette[ground])), reverse=True)
    assert (brighter + 0.05) / (darker + 0.05) >= CONTRAST_MIN


def test_light_dark_and_paper_have_the_same_colours_to_set() -> None:
    assert colours("light").keys() == colours("dark").keys() == colours("paper").keys()


def test_every_colour_that_a_rule_names_is_set() -> None:
    used = set(re.findall(r"var\(--([\w-]+)\)", STYLE))
    assert used <= colours("light").keys()


def test_a_page_of_all_pieces_has_nothing_wrong_with_it() -> None:
    page = html_document(
        "A & B",
        [
            markup.header("A & B", "<p>below</p>", notice=["Mind <this>"]),
            markup.section(
                "Part",
                markup.table("Figures", ["one", "two"], [markup.row("row", ["1", "2"], "source")], "name"),
                markup.facts([("Name", "<value>"), ("Nothing", "")]),
                markup.picture(markup.data_url("png", b"\x89PNG"), 'a "picture"'),
            ),
        ],
    )
    assert problems_of(page) == []
    read = PageReader(page)
    assert read.title == "A & B"
    for words in ("A & B", "Mind <this>", "<value>", "Part"):
        assert words in read.text
    assert "Nothing" not in read.text
    assert read.attributes_of("img")[0]["alt"] == 'a "picture"'
    assert {"role": "region", "aria-label": "Figures", "tabindex": "0"}.items() <= read.attributes_of("div")[0].items()


def test_the_checks_of_pages_find_what_they_are_there_for() -> None:
    good = html_document("T", [markup.header("T")])
    wrong = {
        good.replace(' lang="en"', ""): "language",
        good.replace("<title>T</title>", "<title></title>"): "title",
        good.replace("</header>", "</header><h3>x</h3>"): "level of headings",
        good.replace("</header>", "</header><h1>x</h1>"): "only h1",
        good.replace("</header>", "</header><table><tr><th>x</th></tr></table>"): "scope",
        good.replace("</header>", '</header><img src="data:image/png;base64,">'): "description",
        good.replace("</header>", "</header><script>x</script>"): "script",
        good.replace("</header>", '</header><a href="other.html">x</a>'): "other.html is fetched",
        good.replace("</header>", "</header></p>"): "</p>",
    }
    assert problems_of(good) == []
    for page, words in wrong.items():
        assert any(words in problem for problem in problems_of(page)), words


def test_no_other_module_writes_a_whole_page_or_a_style_of_its_own() -> None:
    makers = {
        str(path.relative_to(CHECKOUT))
        for package in ("converter", "scp_node", "training")
        for path in (CHECKOUT / package).rglob("*.py")
        if re.search(r"<!doctype html|<html|<style", path.read_text(encoding="utf-8"), re.IGNORECASE)
    }
    assert makers == {"converter/page/document.py"}
