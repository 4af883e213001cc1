"""Why nothing comes from a modality: each cause is told with what helps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from scp_node.ledger import Ledger
from scp_node.ledger.callers import CallerRecord, Tally
from scp_node.queries.caller_story import CallerStory, caller_story
from scp_node.settings import Settings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CT_REFUSED = "CT Image Storage (1.2.840.10008.5.1.4.1.1.2): abstract syntax not supported"
SYNTAX_REFUSED = "CR: no transfer syntax of it is supported (1.2.3)"


@pytest.fixture
def ledger(empty_ledger: Ledger) -> Ledger:
    return empty_ledger


def settings(**ct: Any) -> Settings:
    remote = {"ae_title": "CT_ROOM", "host": "10.0.0.1", "port": 104, "may_send": True} | ct
    archive = {"ae_title": "ARCHIVE", "host": "10.0.0.9", "port": 104}
    return Settings.model_validate(
        {
            "node": {"ae_title": "HILUM"},
            "remote_aes": {"ct": remote, "archive": archive},
            "routes": [{"name": "chest", "model": "pneumonia", "to": ["archive"]}],
        }
    )


def seen(title: str = "CT_ROOM", **values: Any) -> CallerRecord:
    return replace(CallerRecord(title, "HILUM", "10.0.0.1", NOON, NOON), **values)


def tallied(reason: str) -> dict[str, Tally]:
    return {reason: Tally(3, NOON)}


def story(ledger: Ledger, key: str, *records: CallerRecord, **ct: Any) -> CallerStory:
    with ledger.transaction() as tx:
        tx.callers.add(records)
    with ledger.reading() as tx:
        return caller_story(tx, settings(**ct), key)


@pytest.mark.parametrize(
    ("record", "configured", "advice"),
    [
        (seen(), {"may_send": False}, "may_send: true in remote_aes.ct"),
        (seen(called_ae_title="hilum"), {}, "called the AE title 'hilum', but this node is 'HILUM'"),
        (seen(), {"addresses": ["10.9.0.0/16"]}, "10.0.0.1 is not in remote_aes.ct.addresses"),
        (seen(rejections=tallied("rejected 1/1/3: it showed no certificate, which is asked of ct")), {}, "tls.ca"),
        (seen(rejections=tallied("rejected 1/1/3: it gave no user name, which is asked of ct")), {}, "user name and"),
        (seen(rejections=tallied("rejected 1/1/3: it gave no passcode, which is asked of ct")), {}, "passcode of its"),
        (seen(rejections=tallied("rejected 2/3/2: associations_max reached")), {}, "receiver.associations_max"),
        (seen(rejections=tallied("rejected 2/3/2: associations_per_ae_max reached")), {}, "associations_per_ae_max"),
        (seen(rejections=tallied("aborted: A-ASSOCIATE-RQ that cannot be read: item")), {}, "is damaged"),
        (seen(associations=1, contexts=tallied(CT_REFUSED)), {}, "no route takes CT"),
        (seen(associations=1, contexts=tallied(SYNTAX_REFUSED)), {}, "have it offer uncompressed"),
        (seen(associations=1, refused=2, last_refused_at=NOON, last_refusal="0xA700 full"), {}, "0xA700 full"),
        (seen(associations=1), {}, "It is let in, but never sent an image"),
        (seen(associations=1, stored=1, last_stored_at=NOON), {}, "Images came"),
    ],
)
@pytest.mark.parametrize("key", ["CT_ROOM", "ct", " CT_ROOM "])
def test_the_cause_is_told(
    ledger: Ledger, record: CallerRecord, configured: dict[str, Any], advice: str, key: str
) -> None:
    found = story(ledger, key, record, **configured)
    assert (found.ae_title, found.remote_aes, found.callers) == ("CT_ROOM", ("ct",), (record,))
    assert any(advice in one for one in found.advice), found.advice


def test_a_title_that_is_almost_right_is_named(ledger: Ledger) -> None:
    found = story(ledger, "CTROOM", seen("CTROOM"))
    assert found.remote_aes == () and found.is_known
    assert "remote AE of the configuration has the AE title CTROOM" in found.advice[0]
    assert found.advice[0].endswith("Similar: CT_ROOM.")


def test_who_never_called_is_told_what_to_look_at(ledger: Ledger) -> None:
    found = story(ledger, "ct", seen("ct_room"))
    assert found.callers == () and found.is_known
    assert "No connection has named the AE title CT_ROOM, but for the last seconds. Similar: ct_room." in found.advice
    assert any("firewall" in one and "11112" in one and "HILUM" in one for one in found.advice)
    assert not story(ledger, "NOBODY").is_known


@pytest.mark.parametrize("reason", ["no TLS connection: its certificate is not accepted", "PDU of type 0x16"])
def test_a_failed_handshake_from_its_address_is_told(ledger: Ledger, reason: str) -> None:
    nameless = CallerRecord("", "", "10.0.0.1", NOON, NOON, rejections=tallied(reason))
    elsewhere = replace(nameless, address="10.7.7.7")
    found = story(ledger, "ct", nameless, elsewhere)
    assert found.callers == (nameless,)
    assert any("TLS" in one for one in found.advice)


def test_one_that_is_unknown_is_told_of_those_that_were_turned_away_before_they_named_a_title(ledger: Ledger) -> None:
    nameless = CallerRecord(
        "", "", "10.7.7.7", NOON, NOON, rejections=tallied("no TLS connection: it does not speak TLS")
    )
    found = story(ledger, "ROOM8", nameless)
    assert found.callers == () and not found.is_known
    assert any("10.7.7.7 was turned away (no TLS connection" in one for one in found.advice)


def test_the_node_itself_is_not_to_be_entered(ledger: Ledger) -> None:
    assert story(ledger, "HILUM").advice == ("HILUM is this node itself.",)
