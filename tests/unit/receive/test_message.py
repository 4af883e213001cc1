"""The fragments of a message are put together without a copy, within limits, and lead to one answer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from scp_node.dimse.requests import COMMAND_BYTES_MAX, SUCCESS, Answer, Command
from scp_node.receive.message import EMPTY_PDVS_MAX, DataSetSink, IncomingMessage
from scp_node.receive.pdu_stream import Fragment, InvalidPdu
from tests.support.peers.raw_scu import echo_command, store_command

CONTEXT = 5
STORE = store_command("1.2.840.10008.5.1.4.1.1.1", "1.2.3", 7)
STORED = Answer(0xB000, "stored by the test")


class Sink:
    """Notes what it is given, and whether the message was cut short."""

    def __init__(self) -> None:
        self.written: list[memoryview] = []
        self.calls: list[str] = []

    def write(self, pieces: Sequence[memoryview]) -> None:
        self.written += pieces
        self.calls.append("write")

    def finish(self) -> Answer:
        self.calls.append("finish")
        return STORED

    def discard(self) -> None:
        self.calls.append("discard")


def message(sink: DataSetSink | Answer, data_set_bytes_max: int = 1000) -> IncomingMessage:
    return IncomingMessage(CONTEXT, lambda _: sink, data_set_bytes_max)


def command(data: bytes = STORE, *, is_last: bool = True, context_id: int = CONTEXT) -> Fragment:
    return Fragment(context_id, True, is_last, [memoryview(data)], len(data), 1)


def data(*pieces: bytes, is_last: bool = False, context_id: int = CONTEXT) -> Fragment:
    return Fragment(
        context_id, False, is_last, [memoryview(piece) for piece in pieces], sum(map(len, pieces)), len(pieces)
    )


def test_the_data_set_goes_on_as_it_lies_in_the_receive_buffer() -> None:
    sink = Sink()
    one = message(sink)
    assert one.take(command()) is None
    first, last = data(b"ab", b"cd"), data(b"e", is_last=True)
    assert one.take(first) is None
    one.flush()
    assert one.take(last) == STORED
    assert all(kept is piece for kept, piece in zip(sink.written, [*first.pieces, *last.pieces], strict=True))
    assert sink.calls == ["write", "write", "finish"]
    assert one.data_set_bytes == 5


def test_what_was_written_is_not_written_again() -> None:
    sink = Sink()
    one = message(sink)
    one.take(command())
    one.take(data(b"ab"))
    for _ in range(3):
        one.flush()
    assert [bytes(piece) for piece in sink.written] == [b"ab"]


def test_a_command_in_fragments_is_served_when_its_last_one_has_come() -> None:
    served: list[Command] = []

    def serve(request: Command) -> Answer:
        served.append(request)
        return SUCCESS

    one = IncomingMessage(CONTEXT, serve, 0)
    request = echo_command()
    assert one.take(command(request[:9], is_last=False)) is None
    assert served == []
    assert one.take(command(request[9:])) is SUCCESS
    assert served == [one.command]


def test_a_command_that_announces_no_data_set_is_finished_at_once() -> None:
    sink = Sink()
    assert message(sink).take(command(echo_command())) == STORED
    assert sink.calls == ["finish"]


@pytest.mark.parametrize(
    ("fragments", "reason"),
    [
        ([command(), data(b"a", context_id=3)], "two presentation contexts"),
        ([command(STORE[:9], is_last=False), command(STORE[9:], context_id=3)], "two presentation contexts"),
        ([command(), command()], "a command within a data set"),
        ([data(b"a")], "without a command"),
        ([command(b"no command set")], "command set"),
        ([command(bytes(COMMAND_BYTES_MAX), is_last=False), command(b"a")], f"more than {COMMAND_BYTES_MAX} bytes"),
        ([command(), data(bytes(600)), data(bytes(401))], "instance_bytes_max: a data set of more than 1000 bytes"),
        ([command(), data()._replace(pdvs=EMPTY_PDVS_MAX + 1)], "empty fragments"),
    ],
)
def test_what_belongs_to_no_message_or_to_one_without_end_is_refused(fragments: list[Fragment], reason: str) -> None:
    one = message(Sink())
    for fragment in fragments[:-1]:
        one.take(fragment)
    with pytest.raises(InvalidPdu, match=reason):
        one.take(fragments[-1])


def test_as_many_bytes_as_may_be_are_taken() -> None:
    one = message(Sink(), data_set_bytes_max=1000)
    one.take(command())
    assert one.take(data(bytes(1000), is_last=True)) == STORED


@pytest.mark.parametrize("begun", [[], [command(STORE[:9], is_last=False)], [command()], [command(), data(b"ab")]])
def test_a_message_that_is_cut_short_leaves_nothing_to_write(begun: list[Fragment]) -> None:
    sink = Sink()
    one = message(sink)
    for fragment in begun:
        one.take(fragment)
    one.discard()
    one.flush()
    assert sink.written == []
    assert sink.calls == (["discard"] if one.command else [])
