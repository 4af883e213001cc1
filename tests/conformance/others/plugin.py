"""The pytest plug-in that puts our classes into pynetdicom's own tests, and writes down which tests met them."""

from __future__ import annotations

import inspect
import json
import os
from pathlib import Path
from typing import Any

import pynetdicom.ae
import pytest
from pynetdicom.tests import utils

from tests.conformance.others import acceptor

RESULTS = "HILUM_SUITE_RESULTS"
_STARTS, _RELOADS = ".start_server(", ("hide_modules(", "reload(")
_met = False


def pytest_configure() -> None:
    setattr(pynetdicom.ae, "ThreadedAssociationServer", acceptor.TestedServer)  # noqa: B010 - mypy sees no such name
    acceptor.on_start = _note_server


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what starts a server. Tests that load pynetdicom anew would put its own classes back."""
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        source = _source(item)
        reloads = any(word in source + _source(item, "teardown_method") for word in _RELOADS)
        (kept if _STARTS in source and not reloads else left).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = kept


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Any:
    global _met
    _met = False
    utils.PORTS.clear()  # other ports for each test, so that what one leaves open is not in the way of the next
    try:
        return (yield)
    finally:
        acceptor.shut_down_all()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    if report.when == "call" or report.outcome != "passed":
        line = {
            "test": _name(item),
            "met": _met,
            "outcome": report.outcome,
            "when": report.when,
            "why": str(call.excinfo.value)[:300] if call.excinfo else "",
        }
        with Path(os.environ[RESULTS]).open("a") as file:
            file.write(json.dumps(line) + "\n")
    return report


def _note_server() -> None:
    global _met
    _met = True


def _name(item: pytest.Item) -> str:
    """test_ae.py::TestAE::test_one"""
    return f"{item.path.name}::{item.nodeid.partition('::')[2]}"


def _source(item: pytest.Item, method: str = "") -> str:
    of = getattr(getattr(item, "cls", None), method, None) if method else getattr(item, "function", None)
    return inspect.getsource(of) if of is not None else ""
