"""A configuration is checked, compared and put in place in a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.support.node.node import RunningNode
from tests.support.web.browser import NARROW, THEMES, WIDE, keep_screenshot, overflows, violations

pytestmark = pytest.mark.peer("chromium")


def test_a_wrong_file_is_explained_line_by_line(visit: Visit, node: RunningNode) -> None:
    before = node.config.read_bytes()
    for size in (WIDE, NARROW):
        for theme in THEMES:
            page = visit("/configuration", size=size, theme=theme)
            area = page.get_by_label("The changed file")
            wrong = area.input_value().replace("may_send: true", "may_sent: yes")
            area.fill(f"{wrong}retention: {{images_days: -1}}\n")
            page.get_by_role("button", name="Check").click()
            expect(page.get_by_role("alert")).to_contain_text("a node does not take this file")
            problems = page.locator("table.problems")
            expect(problems).to_contain_text("Did you mean 'may_send'?")
            expect(problems.locator("pre", has_text="may_sent: yes")).to_be_visible()
            expect(problems).to_contain_text("retention.images_days")
            expect(page.get_by_role("button", name="Put in place")).to_have_count(0)
            keep_screenshot(page, f"configuration-wrong-{theme}-{size[0]}")
            assert not violations(page)
            assert not overflows(page)
            page.context.close()
    assert node.config.read_bytes() == before


def test_a_changed_file_is_compared_tried_and_put_in_place(visit: Visit, node: RunningNode) -> None:
    page = visit("/configuration")
    area = page.get_by_label("The changed file")
    area.fill(area.input_value().replace("quiet_period_s: 0.5", "quiet_period_s: 2.5"))
    page.get_by_role("button", name="Check").click()
    expect(page.locator(".diff .plus", has_text="quiet_period_s: 2.5")).to_be_visible()
    page.get_by_role("button", name="Images of the last 7 d").click()
    expect(page.locator("#replay")).to_contain_text("No image came in this time.")
    keep_screenshot(page, "configuration-usable-dark-1280")
    assert not violations(page)
    page.get_by_role("button", name="Put in place").first.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("have the node read it?")
    keep_screenshot(page, "configuration-put-dark-1280")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    assert "quiet_period_s: 0.5" in node.config.read_text()
    page.get_by_role("button", name="Put in place").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Put in place").click()
    expect(page.locator("#reload")).to_contain_text("taken, changed: report")
    expect(page.get_by_role("status")).to_contain_text(re.compile(r"node\.yaml\.before-\d{8}T"))
    expect(page.get_by_text("is what the node goes by", exact=True)).to_be_visible()
    keep_screenshot(page, "configuration-placed-dark-1280")
    assert "quiet_period_s: 2.5" in node.config.read_text()
