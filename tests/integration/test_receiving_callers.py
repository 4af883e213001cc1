"""Who called, and what came of it: told by the log at once, by the ledger soon, and by `hilum explain` in words."""

from __future__ import annotations

import contextlib
import logging
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from scp_node.ledger import Ledger
from scp_node.ledger.callers import CallerRecord
from scp_node.queries.caller_story import CallerStory, caller_story
from scp_node.receive.scp import StorageScp
from scp_node.storage.spool import Spool
from tests.support.hostile.messages import (
    APPLICATION,
    CT,
    DATA_SET,
    DX,
    UID,
    context,
    other_command,
    request,
    request_of,
    user,
)
from tests.support.ledger.ledgers import new_ledger
from tests.support.node.receiving import MemoryLedger, receiving_settings
from tests.support.peers.raw_scu import (
    ASSOCIATE_AC,
    ASSOCIATE_RJ,
    EXPLICIT_LE,
    IMPLICIT_LE,
    VERIFICATION,
    RawPeer,
    request_item,
)
from tests.support.waiting import until


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    one = new_ledger(tmp_path)
    yield one
    one.engine.dispose()


@pytest.fixture
def told(tmp_path: Path, ledger: Ledger, caplog: pytest.LogCaptureFixture) -> Callable[..., CallerStory]:
    """What is known of `key` after a receiver has met these peers."""

    def tell(key: str, *peers: Callable[[RawPeer], object], **limits: Any) -> CallerStory:
        def enter(records: Sequence[CallerRecord]) -> None:
            with ledger.transaction() as tx:
                tx.callers.add(records)

        caplog.set_level(logging.INFO)
        settings = receiving_settings(tmp_path, **limits)
        receiver = StorageScp(settings, Spool(tmp_path / "spool"), MemoryLedger(), enter_callers=enter, port=0)
        receiver.start()
        for meet in peers:
            with contextlib.suppress(ConnectionError), RawPeer(receiver.port) as peer:
                meet(peer)
        until(lambda: receiver.limits.connections == 0, "all left")
        receiver.stop(drain_s=5)
        with ledger.reading() as tx:
            return caller_story(tx, settings, key)

    return tell


def sends(data: bytes) -> Callable[[RawPeer], object]:
    def meet(peer: RawPeer) -> None:
        peer.send(data)
        peer.read_pdu()

    return meet


def endings(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [
        vars(one) for one in caplog.records if one.getMessage() in ("association ended", "associations ended alike")
    ]


def test_a_storm_of_rejections_is_two_lines_and_one_row(
    told: Callable[..., CallerStory], caplog: pytest.LogCaptureFixture
) -> None:
    story = told("NOBODY", *[sends(request(calling="NOBODY"))] * 300)
    first, rest = endings(caplog)
    assert (first["levelname"], first["calling_ae_title"]) == ("WARNING", "NOBODY")
    assert first["outcome"] == "rejected 1/1/3: calling AE title may not send"
    assert (rest["levelname"], rest["associations"], rest["outcome"]) == ("WARNING", 299, first["outcome"])
    (row,) = story.callers
    assert [tally.times for tally in row.rejections.values()] == [300]
    assert "remote AE of the configuration has the AE title NOBODY" in story.advice[0]


@pytest.mark.parametrize(
    ("data", "calling", "outcome"),
    [
        (request(called="HIL\xdcM"), "MODALITY", "rejected 1/1/7: called AE title is not this node's"),
        (request(calling="M\xd6D\x1b[31m"), r"M\xd6D\x1b[31m", "rejected 1/1/3: calling AE title may not send"),
        (request_of(APPLICATION, version=2), "MODALITY", "rejected 1/2/2: protocol version not supported"),
        (request_of(context(1, IMPLICIT_LE)), "MODALITY", "rejected 1/1/2: application context name not supported"),
        (
            request_of(APPLICATION, b"\x20\0\xff\xff"),
            "MODALITY",
            "aborted: A-ASSOCIATE-RQ that cannot be read: item 0x20 of 65535 bytes where the PDU has 0 left",
        ),
    ],
)
def test_whoever_is_turned_away_has_a_name_in_log_and_ledger(
    told: Callable[..., CallerStory], caplog: pytest.LogCaptureFixture, data: bytes, calling: str, outcome: str
) -> None:
    story = told(calling, sends(data))
    (line,) = endings(caplog)
    assert (line["levelname"], line["calling_ae_title"], line["outcome"]) == ("WARNING", calling, outcome)
    assert [list(one.rejections) for one in story.callers] == [[outcome]]
    assert "\x1b" not in str(story)


def test_refused_contexts_are_told_by_name(told: Callable[..., CallerStory], caplog: pytest.LogCaptureFixture) -> None:
    def propose(peer: RawPeer) -> None:
        assert peer.associate([(CT, EXPLICIT_LE), (DX, "1.2.840.10008.1.2.4.110")])[0] == ASSOCIATE_AC
        peer.release()

    story = told("MODALITY", *[propose] * 20)
    first, rest = endings(caplog)
    ct = "CT Image Storage (1.2.840.10008.5.1.4.1.1.2): abstract syntax not supported"
    assert first["levelname"] == "WARNING" and first["contexts_refused"].startswith(f"{ct}; Digital X-Ray Image")
    assert first["contexts_refused"].endswith(
        "no transfer syntax of it is supported (JPEG XL Lossless (1.2.840.10008.1.2.4.110))"
    )
    assert rest["associations"] == 19
    (row,) = story.callers
    assert (row.associations, row.silent, row.stored) == (20, 20, 0)
    assert row.contexts[ct].times == 20
    assert any("no route takes CT" in one for one in story.advice)


def test_many_refused_contexts_are_told_in_few_words(
    told: Callable[..., CallerStory], caplog: pytest.LogCaptureFixture
) -> None:
    contexts = [context(number, *["1.2.3.4"] * 3, abstract=f"1.2.{number}") for number in range(1, 256, 2)]
    told("MODALITY", sends(request_of(APPLICATION, *contexts, user())))
    (line,) = endings(caplog)
    assert line["contexts_refused"].endswith("and 120 more") and len(line["contexts_refused"]) < 1000


def test_an_association_that_worked_is_no_warning(
    told: Callable[..., CallerStory], caplog: pytest.LogCaptureFixture
) -> None:
    def store(peer: RawPeer) -> None:
        assert peer.associate([(DX, EXPLICIT_LE), (CT, EXPLICIT_LE)])[0] == ASSOCIATE_AC
        assert peer.store(DATA_SET, DX, UID).status == 0x0000
        assert peer.store(DATA_SET[:100], DX, UID).status == 0xC000
        peer.release()

    story = told("pacs", store, store)
    assert [line["levelname"] for line in endings(caplog)] == ["INFO", "INFO"]
    assert all("CT Image Storage" in line["contexts_refused"] for line in endings(caplog))
    (row,) = story.callers
    assert (row.associations, row.silent, row.stored, row.refused) == (2, 0, 2, 2)
    assert row.last_refusal.startswith("0xC000 ")


def test_a_verification_alone_is_told_to_be_one(told: Callable[..., CallerStory]) -> None:
    def echo(peer: RawPeer) -> None:
        peer.associate()
        assert peer.echo().status == 0x0000
        peer.release()

    assert any("never sent an image" in one for one in told("MODALITY", echo).advice)


def test_messages_that_are_not_served_are_no_harm(told: Callable[..., CallerStory]) -> None:
    def find(peer: RawPeer) -> None:
        peer.associate([(DX, EXPLICIT_LE), (VERIFICATION, EXPLICIT_LE)])
        peer.send(other_command(0x0020))
        assert peer.read_response().status == 0x0211
        assert peer.store(DATA_SET, DX, UID).status == 0x0000
        peer.release()

    (row,) = told("MODALITY", find).callers
    assert (row.stored, row.refused) == (1, 0)


# --- user identity (PS3.7 D.3.3.7) ------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_configured", [True, False])
@pytest.mark.parametrize("asked", [0, 1])
@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5, 9])
def test_who_asks_for_an_answer_to_its_identity_gets_one(
    tmp_path: Path, told: Callable[..., CallerStory], kind: int, asked: int, is_configured: bool
) -> None:
    secondary = b"secret" if kind == 2 else b""
    fields = b"".join(struct.pack(">H", len(one)) + one for one in (b"user", secondary))
    identity = request_item(0x58, bytes((kind, asked)) + fields)
    answers: list[tuple[int, bytes]] = []

    def meet(peer: RawPeer) -> None:
        peer.send(request_of(APPLICATION, context(1, IMPLICIT_LE), user(identity)))
        answers.append(peer.read_pdu())
        if answers[-1][0] == ASSOCIATE_AC:
            peer.release()

    told("MODALITY", meet, meet, sender={"user": "user", "passcode": "secret"} if is_configured else {})
    for pdu_type, body in answers:
        if is_configured and kind != 2:
            assert (pdu_type, body) == (ASSOCIATE_RJ, b"\0\1\1\3")
        else:
            assert pdu_type == ASSOCIATE_AC
            assert (b"\x59\0\0\2\0\0" in body) is (bool(asked) and kind < 6)
