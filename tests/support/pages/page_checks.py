"""Reads an HTML page as a browser would, and says what a page of ours must not do."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

VOID = {"meta", "img", "br", "hr", "link", "input"}
FETCHING = {"src", "href", "srcset", "data", "action", "poster"}
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


@dataclass(frozen=True)
class Element:
    tag: str
    attributes: dict[str, str | None] = field(default_factory=dict)


class PageReader(HTMLParser):
    """Elements, text and headings of a page, and every tag that is closed in the wrong order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.text = ""
        self.title = ""
        self.unbalanced: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        self.unbalanced += [f"<{tag}> stays open" for tag in self._open]

    @property
    def tags(self) -> set[str]:
        return {one.tag for one in self.elements}

    @property
    def fetched(self) -> list[str]:
        """Every address that the page names."""
        return [value or "" for one in self.elements for name, value in one.attributes.items() if name in FETCHING]

    def attributes_of(self, tag: str) -> list[dict[str, str | None]]:
        return [one.attributes for one in self.elements if one.tag == tag]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.unbalanced.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "title":
            self.title += data
        elif "style" not in self._open:
            self.text += data


def problems_of(page: str) -> list[str]:
    """What is wrong with `page`, as sentences: tags, language, title, headings, tables, pictures, things fetched."""
    read = PageReader(page)
    found = list(read.unbalanced)
    if not page.startswith("<!DOCTYPE html>"):
        found.append("the page does not begin with its document type")
    if not all(one.get("lang") for one in read.attributes_of("html")):
        found.append("the page does not say its language")
    if not read.title.strip():
        found.append("the page has no title")
    levels = [HEADINGS.index(one.tag) + 1 for one in read.elements if one.tag in HEADINGS]
    if levels[:1] != [1] or levels.count(1) != 1:
        found.append(f"the first heading is not the only h1: {levels}")
    if any(below > above + 1 for above, below in pairwise(levels)):
        found.append(f"a level of headings is left out: {levels}")
    found += [f"a heading of a table without scope: {one}" for one in read.attributes_of("th") if "scope" not in one]
    found += ["a picture without a description" for one in read.attributes_of("img") if not one.get("alt")]
    found += [f"the page needs a {tag}" for tag in sorted({"script", "link", "iframe", "object"} & read.tags)]
    found += [f"{url[:40]} is fetched" for url in read.fetched if not url.startswith(("data:image/", "#"))]
    if re.search(r"url\(|@import|https?://", page):
        found.append("an address outside the page")
    return found
