"""A model's page draws drift, lists refusals of the gate, and compares models when asked."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from converter.package.stability import references
from scp_node.inference.packages import find_package
from scp_node.ledger import ShadowRow, TwoScores
from scp_node.ledger.records import now_utc
from scp_node.settings.places import shipped_models_dir
from tests.browser.conftest import Visit
from tests.support.ledger.ledgers import received
from tests.support.node.node import RunningNode
from tests.support.web.browser import NARROW, THEMES, WIDE, keep_screenshot, overflows, violations

LABEL, OTHER = "pneumonia@2.0.0", "pneumonia@1.9.0"
PATH = "/models/pneumonia/2.0.0"
pytestmark = pytest.mark.peer("chromium")


def fill(node: RunningNode) -> None:
    """Films of two senders, and one that the gate refused and whose file has gone."""
    distribution = find_package(shipped_models_dir(), LABEL).manifest.distribution
    assert distribution is not None
    sizes = {name: len(one.shares) for name, one in references(distribution).items()}
    ledger = node.ledger()
    with ledger.transaction() as tx:
        for number in range(120):
            bins = {name: number % size for name, size in sizes.items()}
            tx.drift_counts.add_image(LABEL, "MODALITY", "ROOM1", bins=dict.fromkeys(bins, 0), sizes=sizes)
            tx.drift_counts.add_image(LABEL, "MODALITY", "ROOM <2>", bins=bins, sizes=sizes)
        tx.instances.add(received(1))
        tx.instances.finish(
            "1.2.3.1.1",
            "declined",
            route="chest",
            model=LABEL,
            reportable=False,
            decline_code="gate-picture",
            detail="the picture looks like a photograph",
            version=1,
        )
        tx.removals.mark_images("1.2.3.1", "age", now_utc())
        scores = (TwoScores("pneumonia", 0.2, False, 0.7, True),)
        tx.shadows.put(ShadowRow("1.2.3.1.1", OTHER, LABEL, "chest", "scored", "", scores, now_utc()))
    ledger.engine.dispose()


def test_what_a_node_has_learnt_of_a_model_is_on_its_page(visit: Visit, node: RunningNode) -> None:
    fill(node)
    for size in (WIDE, NARROW):
        for theme in THEMES:
            page = visit(PATH, size=size, theme=theme)
            expect(page.locator("#drift svg.chart").first).to_be_visible()
            expect(page.locator("#drift tbody tr")).to_have_count(2)
            expect(page.locator("#drift h3")).to_contain_text("MODALITY")
            expect(page.locator("#gate a")).to_have_attribute("href", "/studies/1.2.3.1")
            expect(page.locator("#gate")).to_contain_text("gate-picture")
            expect(page.locator("#gate .gone")).to_be_visible()
            keep_screenshot(page, f"model-filled-{theme}-{size[0]}")
            assert not violations(page)
            assert not overflows(page)
            page.context.close()
