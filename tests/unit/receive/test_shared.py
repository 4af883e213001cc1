"""A reload changes what new associations go by, and forgets negotiations only where the offer has changed."""

from __future__ import annotations

from pathlib import Path

from scp_node.receive.connection_limits import BURST_S
from scp_node.receive.negotiations import Negotiated
from scp_node.receive.shared import Terms
from scp_node.settings import Settings
from tests.support.node.receiving import receiving_settings, shared_in


def with_modality(settings: Settings, modality: str) -> Settings:
    route = settings.routes[0]
    when = route.when.model_copy(update={"modality": [modality]})
    return settings.model_copy(update={"routes": [route.model_copy(update={"when": when})]})


def test_negotiations_are_remembered_while_the_same_contexts_are_offered(tmp_path: Path) -> None:
    terms = Terms.of(receiving_settings(tmp_path))
    terms.negotiations.remember(b"items", 1, Negotiated("1.2.3", {}, 16384, b""))
    other_name = terms.renewed(receiving_settings(tmp_path, "OTHER"))
    assert other_name.settings.node.ae_title == "OTHER"
    assert other_name.negotiations.recall(b"items", 1) is not None


def test_other_contexts_are_negotiated_anew(tmp_path: Path) -> None:
    terms = Terms.of(receiving_settings(tmp_path))
    terms.negotiations.remember(b"items", 1, Negotiated("1.2.3", {}, 16384, b""))
    slices = terms.renewed(with_modality(terms.settings, "MR"))
    assert len(slices.contexts) == len(terms.contexts) + 1
    assert len(slices.negotiations) == 0


def test_who_holds_the_terms_keeps_them_over_a_reload(tmp_path: Path) -> None:
    shared = shared_in(tmp_path)
    held = shared.terms
    shared.reload(with_modality(held.settings, "MR"))
    assert held.settings.routes[0].when.modality != ["MR"]
    assert shared.terms.settings.routes[0].when.modality == ["MR"]


def test_the_limits_are_those_of_the_newest_settings(tmp_path: Path) -> None:
    shared = shared_in(tmp_path)
    shared.reload(receiving_settings(tmp_path, connections_per_s_max=1))
    allowed = int(BURST_S)
    assert [shared.limits.admits("10.0.0.1") for _ in range(allowed + 1)] == [True] * allowed + [False]
