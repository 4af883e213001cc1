"""What `results: auto` gives a destination: what it has said that it takes, and no more than it has not refused."""

from __future__ import annotations

import json

import pytest

from converter.result.kinds.table import RESULT_KINDS
from scp_node.reporting.choice import Accepted, ChosenResults, choose_kinds
from scp_node.settings import Route, Settings
from scp_node.settings.checks import cross_checks
from scp_node.settings.schema import settings_schema
from tests.support.ledger.studies import SETTINGS

SR, GSPS = RESULT_KINDS["sr"].sop_classes, RESULT_KINDS["gsps"].sop_classes
EVERY = {uid for kind in RESULT_KINDS.values() for uid in kind.sop_classes}


def a_route(*results: str, to: tuple[str, ...] = ("pacs",)) -> Route:
    return SETTINGS.routes[0].model_copy(update={"results": list(results), "to": list(to)})


def says(**classes: dict[str, bool]) -> Accepted:
    """By destination, what it has said."""
    return lambda name, uid: classes.get(name, {}).get(uid)


def chosen(accepted: Accepted, *to: str) -> ChosenResults:
    return choose_kinds(a_route("auto", to=to or ("pacs",)), accepted)


def test_what_is_listed_goes_everywhere_whatever_was_refused() -> None:
    refuses_all = says(pacs=dict.fromkeys(EVERY, False))
    found = choose_kinds(a_route("sr", "kos", to=("pacs", "viewer")), refuses_all)
    assert found.destinations == {"sr": ("pacs", "viewer"), "kos": ("pacs", "viewer")}
    assert found.words == "as listed: sr, kos"


def test_a_destination_that_was_never_asked_gets_report_and_pictures() -> None:
    found = chosen(says())
    assert set(found.destinations) == {"sr", "heatmap", "status"}
    assert found.words == "auto: pacs gets sr, heatmap, status, not asked yet: gsps, kos"


def test_who_takes_everything_gets_all_but_the_report_in_sentences() -> None:
    found = chosen(says(pacs=dict.fromkeys(EVERY, True)))
    assert set(found.destinations) == {"sr", "heatmap", "status", "gsps", "kos"}
    assert found.words == "auto: pacs gets sr, heatmap, status, gsps, kos"


def test_the_report_in_sentences_goes_where_every_class_of_the_report_is_refused() -> None:
    one_refused, both_refused = dict(zip(SR, (False, True), strict=True)), dict.fromkeys(SR, False)
    assert "text_sr" not in chosen(says(pacs=one_refused)).destinations
    found = chosen(says(pacs=both_refused))
    assert set(found.destinations) == {"text_sr", "heatmap", "status"}
    assert "refuses sr" in found.words
    nothing = chosen(says(pacs=dict.fromkeys(EVERY, False)))
    assert nothing.destinations == {} and "gets nothing" in nothing.words


def test_each_destination_gets_what_it_takes_itself() -> None:
    found = chosen(says(pacs=dict.fromkeys(GSPS, True), old=dict.fromkeys(SR, False)), "pacs", "old")
    assert found.destinations["sr"] == found.destinations["gsps"] == ("pacs",)
    assert found.destinations["text_sr"] == ("old",)
    assert found.destinations["heatmap"] == ("pacs", "old")


@pytest.mark.parametrize("written", ["auto", ["auto"]])
def test_auto_may_be_written_with_and_without_brackets(written: object) -> None:
    assert settings(written).routes[0].results_are_chosen


def test_auto_stands_alone() -> None:
    (problem,) = cross_checks(settings(["sr", "auto"]))
    assert problem.loc == ("routes", 0, "results", 1) and "stands alone" in problem.message


def test_the_editor_is_offered_every_kind_and_auto() -> None:
    words = json.dumps(settings_schema()["properties"]["routes"])
    assert all(f'"{name}"' in words for name in (*RESULT_KINDS, "auto"))


def settings(results: object) -> Settings:
    document = SETTINGS.model_dump(by_alias=True, mode="json")
    document["routes"][0]["results"] = results
    return Settings.model_validate_json(json.dumps(document))
