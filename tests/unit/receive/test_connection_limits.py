"""The door counts exactly, keeps nobody out for the sake of silent connections, and forgets whom it has not seen."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from scp_node.receive.access import TOO_MANY_ASSOCIATIONS, TOO_MANY_OF_ONE_AE
from scp_node.receive.connection_limits import BURST_S, ConnectionLimits
from scp_node.settings import Receiver

PACS, OTHER = "10.0.0.1", "10.0.0.2"


class Caller:
    def __init__(self, peer_address: str = PACS) -> None:
        self.peer_address = peer_address
        self.is_hung_up = False

    def hang_up(self) -> None:
        assert not self.is_hung_up
        self.is_hung_up = True


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def door_of(clock: Clock | None = None, **limits: Any) -> ConnectionLimits:
    receiver = Receiver(**limits)
    return ConnectionLimits(lambda: receiver, clock or Clock())


def entered(door: ConnectionLimits, address: str = PACS) -> Caller:
    assert door.lets_in(address)
    caller = Caller(address)
    door.enter(caller)
    return caller


def test_the_defaults_let_one_address_open_all_associations_of_one_ae() -> None:
    limits = Receiver()
    door = door_of()
    for _ in range(limits.associations_per_ae_max):
        assert door.associate(entered(door), "PACS") is None
    assert door.associate(entered(door), "PACS") is TOO_MANY_OF_ONE_AE
    assert door.associate(entered(door), "MODALITY") is None
    assert door.associations == limits.associations_per_ae_max + 1


def test_a_place_is_free_again_after_an_association() -> None:
    door = door_of(associations_max=2, associations_per_ae_max=1)
    first, second = entered(door), entered(door)
    assert door.associate(first, "A") is None
    assert door.associate(second, "A") is TOO_MANY_OF_ONE_AE
    assert door.associate(second, "B") is None
    assert door.associate(entered(door), "C") is TOO_MANY_ASSOCIATIONS
    door.dissociate(first)
    assert door.associate(entered(door), "A") is None


def test_the_oldest_silent_connection_makes_room() -> None:
    door = door_of(connections_max=3, associations_max=3)
    associated, oldest, other = entered(door), entered(door, OTHER), entered(door, OTHER)
    assert door.associate(associated, "A") is None
    entered(door)
    assert (associated.is_hung_up, oldest.is_hung_up, other.is_hung_up) == (False, True, False)
    assert (door.connections, door.loose, door.evicted_total) == (3, 2, 1)
    door.leave(oldest)
    assert door.connections == 3


def test_an_address_at_its_limit_makes_room_itself() -> None:
    door = door_of(connections_per_address_max=2)
    neighbour, first, second = entered(door, OTHER), entered(door), entered(door)
    third = entered(door)
    assert [one.is_hung_up for one in (neighbour, first, second, third)] == [False, True, False, False]


def test_associations_make_no_room() -> None:
    door = door_of(connections_max=2, associations_max=2, connections_per_address_max=1)
    assert door.associate(entered(door), "A") is None
    assert not door.lets_in(PACS)
    assert door.associate(entered(door, OTHER), "B") is None
    assert not door.lets_in("10.0.0.3")
    assert door.dropped_total == {"connections_per_address_max": 1, "connections_max": 1}


def test_a_released_connection_is_silent_again() -> None:
    door = door_of(connections_max=1, associations_max=1)
    caller = entered(door)
    assert door.associate(caller, "A") is None
    door.dissociate(caller)
    entered(door)
    assert caller.is_hung_up


def test_a_connection_that_closes_is_not_hung_up() -> None:
    door = door_of(connections_max=1, associations_max=1)
    caller = entered(door)
    door.keep(caller)
    assert not door.lets_in(PACS)
    door.leave(caller)
    assert door.lets_in(PACS) and not caller.is_hung_up


def test_an_address_that_connects_too_often_is_dropped_until_it_has_waited() -> None:
    clock = Clock()
    door = door_of(clock, connections_per_s_max=10)
    assert [door.lets_in(PACS) for _ in range(21)] == [True] * 20 + [False]
    assert door.lets_in(OTHER), "others are not concerned"
    clock.now += 0.1
    assert [door.lets_in(PACS) for _ in range(2)] == [True, False]
    assert door.dropped_total == {"connections_per_s_max": 2}


def test_addresses_are_forgotten_when_they_have_been_quiet() -> None:
    clock = Clock()
    door = door_of(clock)
    kept = entered(door, OTHER)
    for number in range(1000):
        door.leave(entered(door, f"10.1.{number // 250}.{number % 250}"))
    assert door.addresses == 1001
    clock.now += BURST_S
    assert door.lets_in(PACS)
    assert door.addresses == 2
    door.leave(kept)
    clock.now += BURST_S
    assert door.lets_in(PACS)
    assert door.addresses == 1


def test_what_is_dropped_is_told_once_a_second(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    door = door_of(clock, connections_per_s_max=1, connections_max=1, associations_max=1)
    assert door.tell_dropped() is None
    entered(door), entered(door)
    assert not door.lets_in(PACS)
    assert door.tell_dropped() is None
    for _ in range(500):
        assert not door.lets_in(PACS)
        assert door.tell_dropped() == 1.0
    clock.now += 1
    assert door.tell_dropped() is None
    records: list[Any] = caplog.records
    lines = [(record.refused, record.limits, record.oldest_silent_closed) for record in records]
    assert lines == [(1, ["connections_per_s_max"], 1), (500, ["connections_per_s_max"], 0)]
    assert caplog.records[0].levelno == logging.WARNING


def test_waiting_for_all_to_leave_includes_those_that_were_hung_up() -> None:
    door = door_of(connections_max=1, associations_max=1)
    evicted, last = entered(door), entered(door)
    assert door.wait_until_left(0) == 2
    for connection in (evicted, last):
        threading.Timer(0.05, door.leave, (connection,)).start()
    assert door.wait_until_left(20) == 0


class AnyOrder(RuleBasedStateMachine):
    """Whatever happens in whatever order, the counts are those of a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.limits = Receiver(
            connections_max=6,
            connections_per_address_max=4,
            associations_max=3,
            associations_per_ae_max=2,
            connections_per_s_max=3,
        )
        self.door = ConnectionLimits(lambda: self.limits, self.clock)
        self.callers: list[Caller] = []
        self.titles: dict[Caller, str] = {}

    @rule(address=st.sampled_from(["a", "b", "c"]))
    def connect(self, address: str) -> None:
        if self.door.lets_in(address):
            self.callers.append(Caller(address))
            self.door.enter(self.callers[-1])

    @rule(which=st.integers(0, 20), title=st.sampled_from("XY"))
    def associate(self, which: int, title: str) -> None:
        caller = self.picked(which)
        if caller is not None and caller not in self.titles and self.door.associate(caller, title) is None:
            self.titles[caller] = title

    @rule(which=st.integers(0, 20), how=st.sampled_from(["dissociate", "keep", "leave"]))
    def part(self, which: int, how: str) -> None:
        caller = self.picked(which)
        if caller is not None:
            getattr(self.door, how)(caller)
            if how != "keep":
                self.titles.pop(caller, None)
            if how == "leave":
                self.callers.remove(caller)

    @rule(seconds=st.sampled_from([0.1, 1.0, 3.0]))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    def picked(self, which: int) -> Caller | None:
        return self.callers[which % len(self.callers)] if self.callers else None

    @invariant()
    def counts_agree(self) -> None:
        here = [caller for caller in self.callers if not caller.is_hung_up]
        assert self.door.connections == len(here) <= 6
        assert self.door.associations == len(self.titles) <= 3
        for address in "abc":
            assert sum(caller.peer_address == address for caller in here) <= 4
        for title in "XY":
            assert list(self.titles.values()).count(title) <= 2
        assert self.door.addresses <= 3

    def teardown(self) -> None:
        for caller in self.callers:
            self.door.leave(caller)
        assert (self.door.connections, self.door.associations, self.door.loose) == (0, 0, 0)
        assert self.door.wait_until_left(0) == 0
        assert not self.door._of_ae


AnyOrder.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, derandomize=True)
TestAnyOrder = AnyOrder.TestCase
