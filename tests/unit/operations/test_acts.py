"""Every act is recorded with who did what, on what, and how it ended, and the record names no patient."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import FrozenInstanceError

import pytest

from scp_node.operations.acts import Act, LogRecorder, Operator
from scp_node.telemetry.logs import configure_logging


@pytest.fixture
def log_text() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    before = logging.getLogger().handlers[:]
    configure_logging("info", "json", stream)
    yield stream
    logging.getLogger().handlers[:] = before


def test_an_act_is_one_line_of_the_log(log_text: io.StringIO) -> None:
    act = Operator("anna", LogRecorder()).record("retry-job", "job", "delivery:3", "refused", "usage")
    (line,) = log_text.getvalue().splitlines()
    document = json.loads(line)
    assert document["event"] == "operator acted" and document["level"] == "info"
    assert {name: document[name] for name in vars(act)} == {
        "kind": "retry-job",
        "object_kind": "job",
        "object_id": "delivery:3",
        "operator": "anna",
        "outcome": "refused",
        "detail": "usage",
    }


def test_an_act_cannot_be_changed_afterwards() -> None:
    act = Act("cancel-job", "job", "image:1", "anna", "done")
    with pytest.raises(FrozenInstanceError):
        act.operator = "berta"  # type: ignore[misc]
