"""A system that does not answer is an alarm as a remote AE is, until a message or a call has reached it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from scp_node.checks.remote_ae import RemoteAECall, RemoteAEReport
from scp_node.deliver.capabilities import Capabilities
from scp_node.ledger import Ledger
from scp_node.ledger.records import now_utc
from scp_node.queries.alarms import Alarm, alarms_of
from scp_node.queries.role_signs import NodeSigns
from scp_node.queries.systems import SystemSign, system_signs
from scp_node.settings import Settings
from tests.support.ledger.ledgers import new_ledger

SETTINGS = Settings.model_validate(
    {
        "node": {"ae_title": "HILUM"},
        "remote_aes": {"pacs": {"ae_title": "PACS", "host": "127.0.0.1", "port": 104}},
        "systems": {"ris": {"kind": "hl7", "host": "127.0.0.1", "port": 2575}},
        "routes": [{"name": "chest", "model": "tiny", "to": ["pacs"], "notify": ["ris"]}],
    }
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    one = new_ledger(tmp_path)
    yield one
    one.engine.dispose()


def sign(ledger: Ledger, calls: dict[str, RemoteAECall] | None = None) -> SystemSign:
    with ledger.reading() as tx:
        (found,) = system_signs(tx, SETTINGS, (), calls or {}, now_utc())
    return found


def alarms(one: SystemSign) -> list[Alarm]:
    found = alarms_of(SETTINGS, NodeSigns((), ()), [], (one,), (), 0, now_utc())
    return [alarm for alarm in found if alarm.level == "bad"]


def test_a_system_that_was_never_asked_is_quiet(ledger: Ledger) -> None:
    found = sign(ledger)
    assert (found.state, alarms(found)) == ("quiet", [])


def test_a_system_that_is_down_is_an_alarm_with_its_place_and_without_c_echo(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.unreached.enter("ris", "ris (127.0.0.1:2575): nothing listens on that port")
    found = sign(ledger)
    (alarm,) = alarms(found)
    assert found.state == "fails" and alarm.fact.startswith("ris (127.0.0.1:2575): nothing listens")
    assert alarm.place == "/remote-aes#systems" and "C-ECHO" not in alarm.remedy


def test_a_call_that_was_answered_ends_the_alarm(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.unreached.enter("ris", "down")
    well = RemoteAEReport(Capabilities("ris", "HL7"), (), ())
    found = sign(ledger, {"ris": RemoteAECall(now_utc() + timedelta(seconds=1), well)})
    assert (found.state, alarms(found)) == ("answers", [])
