"""The API keeps its description: Schemathesis sends what OpenAPI allows and forbids, and compares the answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from scp_node.ledger import Ledger
from scp_node.ledger.database import open_database
from scp_node.settings.places import default_url
from scp_node.web.api.routes import description
from tests.support.web.clients import AskedNode, ScriptedDesk, asked_node
from tests.unit.queries.cases import fill

EXAMPLES_MAX = 25
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
schema = schemathesis.openapi.from_dict(description())


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AskedNode]:
    folder = tmp_path_factory.mktemp("node")
    fill(folder)
    engine = open_database(default_url(folder))
    with asked_node(folder, Ledger(engine), "operator", ScriptedDesk()) as one:
        yield one
    engine.dispose()


@schema.parametrize()
@settings(max_examples=EXAMPLES_MAX, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_api_answers_as_it_is_described(node: AskedNode, case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(base_url=f"{node.client.base_url}/api/v1".replace("//api", "/api"), checks=CHECKS)
