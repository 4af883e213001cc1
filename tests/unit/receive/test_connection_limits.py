"""Connections are counted exactly, silent ones keep nobody out, and addresses that stay away are forgotten."""

from __future__ import annotations

import logging
import threading
from typing import Any, Literal

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


def limits_of(clock: Clock | None = None, **limits: Any) -> ConnectionLimits:
    receiver = Receiver(**limits)
    return ConnectionLimits(lambda: receiver, clock or Clock())


def entered(limits: ConnectionLimits, address: str = PACS) -> Caller:
    assert limits.admits(address)
    caller = Caller(address)
    limits.enter(caller)
    return caller


def test_the_defaults_let_one_address_open_all_associations_of_one_ae() -> None:
    receiver = Receiver()
    limits = limits_of()
    for _ in range(receiver.associations_per_ae_max):
        assert limits.associate(entered(limits), "PACS") is None
    assert limits.associate(entered(limits), "PACS") is TOO_MANY_OF_ONE_AE
    assert limits.associate(entered(limits), "MODALITY") is None
    assert limits.associations == receiver.associations_per_ae_max + 1


def test_a_place_is_free_again_after_an_association() -> None:
    limits = limits_of(associations_max=2, associations_per_ae_max=1)
    first, second = entered(limits), entered(limits)
    assert limits.associate(first, "A") is None
    assert limits.associate(second, "A") is TOO_MANY_OF_ONE_AE
    assert limits.associate(second, "B") is None
    assert limits.associate(entered(limits), "C") is TOO_MANY_ASSOCIATIONS
    limits.dissociate(first)
    assert limits.associate(entered(limits), "A") is None


def test_the_oldest_silent_connection_makes_room() -> None:
    limits = limits_of(connections_max=3, associations_max=3)
    associated, oldest, other = entered(limits), entered(limits, OTHER), entered(limits, OTHER)
    assert limits.associate(associated, "A") is None
    entered(limits)
    assert (associated.is_hung_up, oldest.is_hung_up, other.is_hung_up) == (False, True, False)
    assert (limits.connections, limits.evictable, limits.evicted_total) == (3, 2, 1)
    limits.leave(oldest)
    assert limits.connections == 3


def test_an_address_at_its_limit_makes_room_itself() -> None:
    limits = limits_of(connections_per_address_max=2)
    neighbour, first, second = entered(limits, OTHER), entered(limits), entered(limits)
    third = entered(limits)
    assert [one.is_hung_up for one in (neighbour, first, second, third)] == [False, True, False, False]


def test_associations_make_no_room() -> None:
    limits = limits_of(connections_max=2, associations_max=2, connections_per_address_max=1)
    assert limits.associate(entered(limits), "A") is None
    assert not limits.admits(PACS)
    assert limits.associate(entered(limits, OTHER), "B") is None
    assert not limits.admits("10.0.0.3")
    assert limits.dropped_total == {"connections_per_address_max": 1, "connections_max": 1}


def test_a_released_connection_is_silent_again() -> None:
    limits = limits_of(connections_max=1, associations_max=1)
    caller = entered(limits)
    assert limits.associate(caller, "A") is None
    limits.dissociate(caller)
    entered(limits)
    assert caller.is_hung_up


def test_a_connection_that_closes_is_not_hung_up() -> None:
    limits = limits_of(connections_max=1, associations_max=1)
    caller = entered(limits)
    limits.protect(caller)
    assert not limits.admits(PACS)
    limits.leave(caller)
    assert limits.admits(PACS) and not caller.is_hung_up


def test_an_address_that_connects_too_often_is_dropped_until_it_has_waited() -> None:
    clock = Clock()
    limits = limits_of(clock, connections_per_s_max=10)
    assert [limits.admits(PACS) for _ in range(21)] == [True] * 20 + [False]
    assert limits.admits(OTHER), "others are not concerned"
    clock.now += 0.1
    assert [limits.admits(PACS) for _ in range(2)] == [True, False]
    assert limits.dropped_total == {"connections_per_s_max": 2}


def test_addresses_are_forgotten_when_they_have_been_quiet() -> None:
    clock = Clock()
    limits = limits_of(clock)
    kept = entered(limits, OTHER)
    for number in range(1000):
        limits.leave(entered(limits, f"10.1.{number // 250}.{number % 250}"))
    assert limits.addresses == 1001
    clock.now += BURST_S
    assert limits.admits(PACS)
    assert limits.addresses == 2
    limits.leave(kept)
    clock.now += BURST_S
    assert limits.admits(PACS)
    assert limits.addresses == 1


def test_what_is_dropped_is_logged_once_a_second(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    limits = limits_of(clock, connections_per_s_max=1, connections_max=1, associations_max=1)
    assert limits.log_dropped() is None
    entered(limits), entered(limits)
    assert not limits.admits(PACS)
    assert limits.log_dropped() is None
    for _ in range(500):
        assert not limits.admits(PACS)
        assert limits.log_dropped() == 1.0
    clock.now += 1
    assert limits.log_dropped() is None
    told = [vars(record) for record in caplog.records]
    lines = [(one["refused"], one["limits"], one["oldest_silent_closed"]) for one in told]
    assert lines == [(1, ["connections_per_s_max"], 1), (500, ["connections_per_s_max"], 0)]
    assert caplog.records[0].levelno == logging.WARNING


def test_waiting_for_all_to_leave_includes_those_that_were_hung_up() -> None:
    limits = limits_of(connections_max=1, associations_max=1)
    evicted, last = entered(limits), entered(limits)
    assert limits.wait_until_left(0) == 2

    def both_leave() -> None:
        limits.leave(evicted)
        limits.leave(last)

    threading.Timer(0.05, both_leave).start()
    assert limits.wait_until_left(20) == 0


def test_the_limits_of_an_address_are_those_of_the_callers_behind_a_proxy() -> None:
    limits = limits_of(connections_per_s_max=1, connections_per_address_max=2)
    behind: list[Caller] = []
    for number in range(8):
        assert limits.admits("10.0.0.9", is_proxy=True)
        behind.append(Caller("10.0.0.9"))
        limits.enter(behind[-1])
        assert limits.transfer(behind[-1], f"10.1.0.{number // 2}")
    assert limits.associate(behind[0], "A") is None
    clock_stands = Caller("10.0.0.9")
    limits.enter(clock_stands)
    assert not limits.transfer(clock_stands, "10.1.0.0"), "two in a burst of one a second"
    assert limits.dropped_total == {"connections_per_s_max": 1}
    assert limits.connections == 8
    assert limits.wait_until_left(0) == 9, "it has not ended yet"
    for one in (*behind, clock_stands):
        limits.leave(one)
    assert limits.wait_until_left(0) == 0


def test_an_address_behind_a_proxy_makes_room_itself() -> None:
    limits = limits_of(connections_per_address_max=1)
    first, second, third = (entered(limits, OTHER) for OTHER in ("10.0.0.7", "10.0.0.8", "10.0.0.9"))
    assert limits.transfer(first, PACS) and limits.transfer(second, PACS) and limits.transfer(third, OTHER)
    assert [one.is_hung_up for one in (first, second, third)] == [True, False, False]
    assert not limits.transfer(first, OTHER), "it was evicted"


class AnyOrder(RuleBasedStateMachine):
    """Whatever happens in whatever order, the counts are those of a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.receiver = Receiver(
            connections_max=6,
            connections_per_address_max=4,
            associations_max=3,
            associations_per_ae_max=2,
            connections_per_s_max=3,
        )
        self.limits = ConnectionLimits(lambda: self.receiver, self.clock)
        self.callers: list[Caller] = []
        self.titles: dict[Caller, str] = {}

    @rule(address=st.sampled_from(["a", "b", "c"]))
    def connect(self, address: str) -> None:
        if self.limits.admits(address):
            self.callers.append(Caller(address))
            self.limits.enter(self.callers[-1])

    @rule(which=st.integers(0, 20), address=st.sampled_from(["a", "b", "c"]))
    def learn_address(self, which: int, address: str) -> None:
        caller = self.picked(which)
        if caller is not None and caller not in self.titles and not caller.is_hung_up:
            if self.limits.transfer(caller, address):
                caller.peer_address = address
            else:
                self.limits.leave(caller)
                self.callers.remove(caller)

    @rule(which=st.integers(0, 20), title=st.sampled_from("XY"))
    def associate(self, which: int, title: str) -> None:
        caller = self.picked(which)
        if caller is not None and caller not in self.titles and self.limits.associate(caller, title) is None:
            self.titles[caller] = title

    @rule(which=st.integers(0, 20), how=st.sampled_from(["dissociate", "protect", "leave"]))
    def part(self, which: int, how: str) -> None:
        caller = self.picked(which)
        if caller is not None:
            getattr(self.limits, how)(caller)
            if how != "protect":
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
        assert self.limits.connections == len(here) <= 6
        assert self.limits.associations == len(self.titles) <= 3
        for address in "abc":
            assert sum(caller.peer_address == address for caller in here) <= 4
        for title in "XY":
            assert list(self.titles.values()).count(title) <= 2
        assert self.limits.addresses <= 3

    def teardown(self) -> None:
        for caller in self.callers:
            self.limits.leave(caller)
        assert (self.limits.connections, self.limits.associations, self.limits.evictable) == (0, 0, 0)
        assert self.limits.wait_until_left(0) == 0
        assert not self.limits._of_ae


AnyOrder.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, derandomize=True)
TestAnyOrder = AnyOrder.TestCase


@pytest.mark.parametrize(("limits_for", "receivers", "of_each"), [("node", 2, 4), ("fleet", 1, 4), ("fleet", 2, 2)])
def test_receivers_share_the_limits_of_an_ae_title_and_of_an_address(
    limits_for: Literal["node", "fleet"], receivers: int, of_each: int
) -> None:
    whole = Receiver(
        limits_for=limits_for, associations_per_ae_max=4, connections_per_address_max=4, connections_per_s_max=4
    )
    hosts = [ConnectionLimits(lambda: whole.part(receivers), Clock()) for _ in range(receivers)]
    for limits in hosts:
        callers = [entered(limits) for _ in range(of_each)]
        assert [limits.associate(one, "PACS") for one in callers] == [None] * of_each
        assert limits.associate(callers[0], "PACS") is TOO_MANY_OF_ONE_AE


def test_a_part_is_rounded_up_and_leaves_what_is_no_peers_alone() -> None:
    whole = Receiver(limits_for="fleet", associations_per_ae_max=1, connections_per_s_max=5)
    part = whole.part(3)
    assert (part.associations_per_ae_max, part.connections_per_s_max) == (1, 2)
    assert (part.associations_max, part.connections_max) == (whole.associations_max, whole.connections_max)
