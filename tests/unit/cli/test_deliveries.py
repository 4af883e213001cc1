"""`hilum deliveries` lists results on their way, the newest last."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from typer.testing import Result

from scp_node.errors import NothingFound, UsageError

CONTRACT = {"result_uid", "study_instance_uid", "destination", "state", "attempts", "detail"}


def test_each_delivery_is_one_whole_line(hilum: Callable[..., Result]) -> None:
    lines = hilum("deliveries").stdout.splitlines()
    assert lines[0].split() == ["entered", "to", "state", "attempts", "next", "kind", "result", "detail"]
    assert [line.partition("+")[2].split(maxsplit=1)[1].split("  ")[0] for line in lines[1:]] == [
        "pacs",
        "pacs",
        "viewer",
    ]
    assert lines[2].endswith("2026-03-01 13:30:00+01:00  heatmap  1.2.9.2  connection refused")


@pytest.mark.parametrize(
    ("words", "listed"),
    [
        ([], ["committed", "queued", "dead"]),
        (["--state", "dead"], ["dead"]),
        (["--state", "dead", "--state", "queued"], ["queued", "dead"]),
        (["--to", "pacs"], ["committed", "queued"]),
        (["--study", "ACC1", "--limit", "1"], ["dead"]),
        (["--study", "ACC2"], []),
        (["--since", "2h"], ["committed", "queued", "dead"]),
        (["--since", "2200-01-01"], []),
    ],
    ids=" ".join,
)
def test_deliveries_are_listed_by_what_is_asked_for(
    hilum: Callable[..., Result], words: list[str], listed: list[str]
) -> None:
    documents = [json.loads(line) for line in hilum("deliveries", "--json", *words).stdout.splitlines()]
    assert [one["state"] for one in documents] == listed
    assert all(set(one) >= CONTRACT and one["created_at"].endswith("Z") for one in documents)
    assert listed or hilum("deliveries", *words).stdout == "There is no such delivery.\n"


@pytest.mark.parametrize("words", [["--state", "odd"], ["--to", "nobody"], ["--since", "soon"], ["--study", "1.2.3"]])
def test_what_means_nothing_is_wrong_usage(hilum: Callable[..., Result], words: list[str]) -> None:
    assert isinstance(hilum("deliveries", *words).exception, UsageError)


def test_a_study_that_never_came_is_not_found(hilum: Callable[..., Result]) -> None:
    assert isinstance(hilum("deliveries", "--study", "ACC9").exception, NothingFound)
