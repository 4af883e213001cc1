"""Debian's Chromium, driven by Playwright, without a window and without the internet."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

WIDE, NARROW = (1280, 900), (390, 844)
THEMES = ("dark", "light")
# WCAG 2.2 AA, and what axe holds to be good practice.
SERIOUS = ("serious", "critical")
# Where pictures of pages are kept, to be looked at: HILUM_SCREENSHOTS names the folder.
SCREENSHOTS = os.environ.get("HILUM_SCREENSHOTS")


@contextmanager
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program is not None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


def new_context(browser: Browser, base_url: str, size: tuple[int, int] = WIDE, theme: str = "dark") -> BrowserContext:
    """A visit with cookies of its own; a page that asks another host, or logs an error, fails its test."""
    width, height = size
    context = browser.new_context(base_url=base_url, viewport={"width": width, "height": height})
    context.set_default_timeout(20_000)
    context.add_cookies([{"name": "hilum_theme", "value": theme, "url": base_url}])
    return context


def violations(page: Page) -> list[str]:
    """What axe-core finds that is serious, each with the elements it is about."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {[node['html'][:160] for node in one['nodes']][:4]}"
        for one in found
        if one["impact"] in SERIOUS
    ]


def broken_words(page: Page) -> list[str]:
    """Words of fewer than 16 letters that go on in another line though nothing in them says that they may. Hyphens and
    slashes may end a line, and so may what a page marks with <wbr>."""
    found: list[str] = page.evaluate(
        """() => {
          const found = [], words = /[^\\s\\-–/()\\u00ad\\u3000-\\uffef]{2,15}/gu;
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            if (node.parentElement.closest("script, style, textarea, select")) continue;
            for (const match of node.data.matchAll(/\\S+/g)) {
              for (const word of match[0].length < 16 ? match[0].matchAll(words) : []) {
                const range = document.createRange();
                range.setStart(node, match.index + word.index);
                range.setEnd(node, match.index + word.index + word[0].length);
                const rects = [...range.getClientRects()].filter((one) => one.width);
                const lines = new Set(rects.map((one) => Math.round(one.top)));
                if (lines.size > 1) found.push(word[0]);
              }
            }
          }
          return found;
        }"""
    )
    return found


def overflows(page: Page) -> bool:
    """Whether the page is wider than the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def keep_screenshot(page: Page, name: str) -> None:
    """A picture of the whole page, where they are wanted."""
    if SCREENSHOTS:
        folder = Path(SCREENSHOTS)
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{name}.png", full_page=True)
