"""Renders Markdown of the handbook and of model packages: CommonMark with tables, no HTML of its own."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

from scp_node.web.pages.formats import breakable

_PAGE = re.compile(r"([A-Za-z0-9-]+)\.md(#[\w-]*)?")
_FIGURE = re.compile(r"figures/([a-z0-9-]+\.(?:png|svg))")
_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)


@dataclass(frozen=True)
class RenderedPage:
    """`headings`: those of the second level, each with its anchor."""

    title: str
    html: Markup
    headings: tuple[tuple[str, str], ...]


class _Renderer(RendererHTML):
    """What is wider than the window scrolls by itself, by keyboard too."""

    def table_open(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        return '<div class="scroll" tabindex="0"><table>\n'

    def table_close(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        return "</table></div>\n"

    def fence(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        return str(Markup('<pre tabindex="0"><code>{}</code></pre>\n').format(tokens[at].content))

    def code_block(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        return self.fence(tokens, at, options, env)

    def code_inline(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        return str(Markup("<code>{}</code>").format(breakable(tokens[at].content)))


def render(text: str, known: Container[str], prefix: str) -> RenderedPage:
    """`known`: the pages that a link may lead to and the figures, found under `prefix`. A link to another file of the
    repository, which is not served, becomes its words, and a figure that is not served is left out."""
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
    tokens = parser.parse(_COMMENT.sub("", text))
    headings = list(_anchored(tokens))
    for token in tokens:
        if token.attrs.pop("style", None) == "text-align:right":  # a page takes no style of its own
            token.attrJoin("class", "number")
        if token.children:
            token.children = _linked(token.children, known, prefix)
    title = next((words for level, words, _ in headings if level == "h1"), "")
    html = Markup(parser.renderer.render(tokens, parser.options, {}))
    return RenderedPage(title, html, tuple((words, anchor) for level, words, anchor in headings if level == "h2"))


def to_html(text: str) -> Markup:
    """A file by itself: links to files beside it become their words."""
    return render(text, (), "").html


def anchor_of(words: str) -> str:
    """As GitHub makes them, so that one link serves both."""
    return re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")


def _anchored(tokens: list[Token]) -> Iterator[tuple[str, str, str]]:
    """Gives each heading its anchor; yields level, words and anchor."""
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            words = "".join(one.content for one in tokens[place + 1].children or ())
            token.attrSet("id", anchor_of(words))
            yield token.tag, words, anchor_of(words)


def _linked(children: list[Token], known: Container[str], prefix: str) -> list[Token]:
    kept: list[Token] = []
    dropped: list[bool] = []
    for token in children:
        if token.type == "link_open":
            href = _href(str(token.attrGet("href") or ""), known, prefix)
            dropped.append(href is None)
            if href is None:
                continue
            token.attrSet("href", href)
        elif token.type == "link_close" and dropped.pop():
            continue
        elif token.type == "image":
            figure = _FIGURE.fullmatch(str(token.attrGet("src") or ""))
            if figure is None or figure[1] not in known:
                continue
            token.attrs = {"src": f"{prefix}figures/{figure[1]}", "alt": token.content, "loading": "lazy"}
        kept.append(token)
    return kept


def _href(target: str, known: Container[str], prefix: str) -> str | None:
    if target.startswith(("https://", "http://", "#")):
        return target
    found = _PAGE.fullmatch(target)
    if found is None or found[1] not in known:
        return None
    return f"{prefix}{found[1]}{found[2] or ''}"
