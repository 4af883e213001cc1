"""The handbook in the browser: every page, its links among themselves, its tables, and no HTML of its own."""

from __future__ import annotations

import re

import pytest

from scp_node.settings.places import handbook_dir
from scp_node.web.console.handbook import pages_in
from scp_node.web.pages.markdown import anchor_of, render
from tests.unit.web.console.conftest import Visitor

PAGES = pages_in(handbook_dir())


def test_every_page_is_served_and_named(as_role: Visitor) -> None:
    client = as_role()
    for name, page in PAGES.items():
        answer = client.get(f"/handbook/{name}")
        assert answer.status_code == 200 and page.title
        assert len(answer.content) < 150_000
    assert client.get("/handbook").status_code == 200
    for wrong in ("none", "..%2f..%2fnode", "README.md"):
        assert client.get(f"/handbook/{wrong}").status_code == 404


@pytest.mark.parametrize("name", PAGES)
def test_every_link_of_a_page_leads_to_a_place_that_there_is(name: str) -> None:
    for href in re.findall(r'href="([^"]+)"', PAGES[name].html):
        if href.startswith("http"):
            continue
        path, _, anchor = href.partition("#")
        target = PAGES[path.removeprefix("/handbook/") if path else name]
        assert not anchor or f'id="{anchor}"' in target.html, href


def test_html_of_a_page_is_text_and_dangerous_links_are_words() -> None:
    page = render(
        "# A <b>title</b>\n\n<script>x</script>\n\n[a](javascript:alert(1)) [b](other.md#x) [c](../node.yaml)\n\n"
        "![d](https://elsewhere/x.png)\n\n| e |\n|---|\n| <i>f</i> |\n\n```\n<g>\n```\n",
        {"other"},
        "/handbook/",
    )
    assert not re.search(r"<(script|b|i|img|g)\b", page.html)
    assert "javascript:" not in str(page.html).replace("[a](javascript:alert(1))", "")
    assert 'href="/handbook/other#x"' in page.html and "node.yaml" not in page.html
    assert '<div class="scroll" tabindex="0"><table>' in page.html and '<pre tabindex="0">' in page.html


def test_anchors_are_those_that_github_makes() -> None:
    assert anchor_of("What an archive answers to `hilum`") == "what-an-archive-answers-to-hilum"
    assert anchor_of("node.yaml") == "nodeyaml"
