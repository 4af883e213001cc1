"""The pages Models show every package with what it does here, and no markup that a package or a sender wrote."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from httpx import Client

from converter.package.image_statistics import STATISTICS, measure_distribution
from scp_node.ledger import Ledger, ShadowRow, TwoScores
from scp_node.ledger.records import now_utc
from scp_node.settings import Settings
from scp_node.telemetry.heartbeat import RoleStatus, write_status
from scp_node.web.console import models
from scp_node.web.pages.drift_chart import drift_chart
from scp_node.web.pages.markdown import to_html
from tests.support.ledger.ledgers import received
from tests.support.models.tiny_model import TINY_GATED, copy_tiny
from tests.support.web.contexts import web_context
from tests.support.web.pages import visited

FILMS = [dict.fromkeys(STATISTICS, 0.1 * n) for n in range(10)]
REFERENCE = measure_distribution("made val", ["bright", "dark"], np.full((10, 2), 0.5), FILMS, 0)
LABEL, GATED = "tiny@1.0.0", "tiny-gated@1.0.0"


@pytest.fixture
def client(tmp_path: Path, ledger: Ledger) -> Iterator[Client]:
    folder = tmp_path / "models"
    package = copy_tiny(folder, distribution=REFERENCE.model_dump(mode="json"))
    (package / "CARD.md").write_text("# tiny 1.0.0\n\nFor tests. <img src=x onerror=alert(1)>\n\n| a |\n|--:|\n| 1 |\n")
    (package / "report").mkdir()
    (package / "report" / "figures.md").write_text("# Figures\n\n[out](javascript:alert(1))\n")
    (package / "report" / "link.md").symlink_to("/etc/passwd")
    copy_tiny(folder, TINY_GATED)
    (copy_tiny(folder, version="2.0.0") / "manifest.yaml").write_text("name: tiny")
    context = web_context(tmp_path, ledger)
    document = context.settings().model_dump(by_alias=True, mode="json")
    document["inference"]["models_dir"] = str(folder)
    routes = [{"name": "chest", "model": LABEL, "to": ["archive"], "shadow": GATED}]
    settings = Settings.model_validate({**document, "routes": routes})
    write_status(
        context.statuses,
        RoleStatus("worker", (), time.monotonic(), f'hilum_model_ready{{model="{LABEL}",provider="cpu"}} 1.0\n'),
    )
    with visited(replace(context, settings=lambda: settings), models.router, "viewer") as one:
        yield one
    context.desk.close()


def test_every_package_is_listed_with_what_it_does(client: Client) -> None:
    page = client.get("/models").text
    assert f'href="/models/tiny/1.0.0">{LABEL}</a>' in page and "serves: chest" in page
    assert "gave the published scores when the worker loaded it, on cpu" in page
    assert "in the shadow of: chest" in page and "added by this site" in page and "came with this release" in page
    assert "tiny@2.0.0" in page and "unusable" in page and "sha256:" in page


def test_a_package_shows_its_card_and_reports_without_their_markup(client: Client) -> None:
    page = client.get("/models/tiny/1.0.0").text
    assert "&lt;img src=x onerror=alert(1)&gt;" in page and '<td class="number">1</td>' in page
    assert "report/figures.md" in page
    report = client.get("/models/tiny/1.0.0/report/figures.md").text
    assert ">Figures</h1>" in report and 'href="javascript' not in report


@pytest.mark.parametrize(
    "path",
    [
        *("nosuch/1.0.0", "tiny/9.9.9", "tiny/2.0.0", "..%2f..%2fetc/1.0.0", "tiny/1.0.0%23sha256:00"),
        *("tiny/1.0.0/report/none.md", "tiny/1.0.0/report/link.md", "tiny/1.0.0/report/..%2fCARD.md"),
    ],
)
def test_what_is_not_there_or_cannot_be_used_is_told(client: Client, path: str) -> None:
    answer = client.get(f"/models/{path}")
    assert answer.status_code in (404, 503) and "root:" not in answer.text


def test_drift_of_each_sender_is_drawn(client: Client, ledger: Ledger) -> None:
    sizes = {f"score:{name}": len(one.shares) for name, one in REFERENCE.scores.items()}
    with ledger.transaction() as tx:
        for _ in range(3):
            tx.drift_counts.add_image(LABEL, "<CR>", "ROOM1", bins=dict.fromkeys(sizes, 0), sizes=sizes)
        tx.drift_counts.add_image(LABEL, "OTHER", "ROOM2", bins={}, sizes={}, declined="gate-picture")
    page = client.get("/models/tiny/1.0.0", params={"sender": "<CR>|ROOM1"}).text
    assert "&lt;CR&gt;" in page and "<CR>" not in page and "too-few" in page and "1 gate-picture" in page
    assert page.count('<svg class="chart"') == len(sizes) and "style=" not in page


def test_agreement_is_told_when_it_is_asked_for(client: Client, ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        for number in (1, 2):
            tx.instances.add(received(number))
            scores = (TwoScores("bright", 0.2 * number, False, 0.3 * number, number == 2),)
            tx.shadows.put(ShadowRow(f"1.2.3.1.{number}", GATED, LABEL, "chest", "scored", "", scores, now_utc()))
    page = client.get("/models/tiny/1.0.0/agreement", params={"days": 7}).text
    assert f"bright: {LABEL}, {GATED} (chest)" in page and "differ" in page
    assert "No image was scored by two models" in client.get("/models/pneumonia/2.0.0/agreement").text


def test_what_the_gate_refused_is_a_sheet_of_thumbnails(client: Client, ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        for number in (1, 2):
            tx.instances.add(received(number))
            code = "gate-picture" if number == 1 else "not-frontal"
            tx.instances.finish(
                f"1.2.3.1.{number}",
                "declined",
                route="chest",
                model=LABEL,
                reportable=True,
                decline_code=code,
                detail="why",
                version=1,
            )
    page = client.get("/models/tiny/1.0.0").text
    assert 'src="/studies/1.2.3.1/films/1.2.3.1.1.png?side=256"' in page and "1.2.3.1.2.png" not in page
    assert 'loading="lazy"' in page and 'href="/studies/1.2.3.1"' in page


def test_a_chart_shows_as_many_bars_as_there_are_bins_and_escapes_its_label() -> None:
    chart = str(drift_chart('<script>"', (0.1, 0.5), (0.2, 0.3, 0.5), (1.0, 0.0, 0.0)))
    assert chart.count("<rect") == 6 and "<script>" not in chart and "0.1 to 0.5: 30.0 %" in chart


def test_markdown_has_no_html_no_style_and_no_picture_from_elsewhere() -> None:
    html = to_html("<b>x</b> ![p](http://x/y.png) [a](data:text/html,x)\n\n|a|\n|:-:|\n|1|\n\n```\ncode\n```\n")
    assert "<b>" not in html and "<img" not in html and "href" not in html and "style" not in html
    assert '<div class="scroll" tabindex="0"><table>' in html and '<pre tabindex="0">' in html
