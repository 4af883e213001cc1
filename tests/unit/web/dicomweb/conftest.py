"""A web port that takes images, and a program that may send them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from scp_node.ledger import Ledger
from tests.support.web.stow import StowNode, stow_node, token_of


@pytest.fixture
def node(tmp_path: Path, ledger: Ledger) -> Iterator[StowNode]:
    with stow_node(tmp_path, ledger) as one:
        yield one


@pytest.fixture
def client(node: StowNode) -> Iterator[httpx.Client]:
    with node.client(token_of(node.ledger)) as one:
        yield one
