"""Whether results would arrive at a remote AE is told before the first one is sent there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from scp_node.checks.remote_ae import ask_remote_ae
from scp_node.deliver.result_objects import RESULT_CLASSES
from scp_node.dimse.uids import COMPREHENSIVE_SR
from scp_node.errors import UsageError
from scp_node.settings import Settings
from tests.support.peers.archives import scripted_archive

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def settings(port: int) -> Settings:
    return Settings.model_validate(
        {
            "node": {"ae_title": "HILUM"},
            "remote_aes": {"pacs": {"ae_title": "ARCHIVE", "host": "127.0.0.1", "port": port, "may_send": True}},
            "routes": [{"name": "chest", "model": "tiny", "to": ["pacs"]}],
            "delivery": {"connect_timeout_s": 2, "response_timeout_s": 5},
        }
    )


def test_an_archive_that_takes_everything_has_no_problem() -> None:
    with scripted_archive(classes=[*RESULT_CLASSES]) as archive:
        report = ask_remote_ae(settings(archive.port), "pacs", NOW)
    assert report.found.reachable and report.problems == () and report.warnings == ()


def test_a_class_that_a_route_needs_and_that_is_refused_is_a_problem() -> None:
    with scripted_archive(classes=[COMPREHENSIVE_SR]) as archive:
        report = ask_remote_ae(settings(archive.port), "pacs", NOW)
    assert report.problems == tuple(
        f"it takes no Secondary Capture, but a route sends '{kind}' results there; enable that class there"
        for kind in ("heatmap", "status")
    )


def test_an_archive_that_is_not_there_is_a_problem_and_one_that_nobody_named_is_an_error(port: int) -> None:
    (problem,) = ask_remote_ae(settings(port), "pacs", NOW).problems
    assert problem.startswith("nothing listens on that port")
    with pytest.raises(UsageError, match="known: pacs"):
        ask_remote_ae(settings(port), "pasc", NOW)
