"""Wrong passwords make the next try wait, ever longer, for an account and for an address."""

from __future__ import annotations

from scp_node.web import throttle
from scp_node.web.throttle import FREE_OF_ACCOUNT, FREE_OF_ADDRESS, KEYS_MAX, LONGEST_LOCK_S, Throttle, network_of


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_lock_of_an_account_grows_to_its_longest_and_holds_from_everywhere() -> None:
    clock = Clock()
    one = Throttle(clock)
    for number in range(FREE_OF_ACCOUNT):
        assert one.begin("Ada ", f"10.0.0.{number}") == 0
    waits = []
    for number in range(9):
        waits.append(one.begin("ada", f"10.0.1.{number}"))
        assert one.begin("ada", "10.0.2.1") == waits[-1], "to ask again while it holds changes nothing"
        clock.now += waits[-1]
        assert one.begin("ADA", f"10.0.1.{number}") == 0
    assert waits == [15, 30, 60, 120, 240, 480, 900, 900, 900] and LONGEST_LOCK_S == 900
    assert one.begin("berta", "10.0.3.1") == 0


def test_the_right_password_starts_the_account_anew() -> None:
    one = Throttle(Clock())
    for _ in range(20):
        for _ in range(FREE_OF_ACCOUNT - 1):
            assert one.begin("ada", "10.0.0.1") == 0
            one.succeeded("ada", "10.0.0.1")
        assert one.begin("ada", "10.0.0.1") == 0
        one.succeeded("ada", "10.0.0.1")


def test_an_address_that_tries_many_accounts_has_to_wait_even_with_an_account_of_its_own() -> None:
    one = Throttle(Clock())
    for number in range(FREE_OF_ADDRESS - 1):
        if number % 2:
            assert one.begin("eve", "10.0.0.1") == 0
        assert one.begin(f"user{number}", "10.0.0.1") == 0
        if number % 2:
            one.succeeded("eve", "10.0.0.1")
    assert one.begin("eve", "10.0.0.1") == 0
    one.succeeded("eve", "10.0.0.1")
    assert one.begin("yet another", "10.0.0.1") == 0
    assert one.begin("another", "10.0.0.1") > 0
    assert one.begin("another", "10.0.0.2") == 0


def test_what_was_tried_long_ago_is_forgotten() -> None:
    clock = Clock()
    one = Throttle(clock)
    for _ in range(FREE_OF_ACCOUNT):
        one.begin("ada", "10.0.0.1")
    assert one.begin("ada", "10.0.0.1") > 0
    clock.now += throttle.FORGOTTEN_AFTER_S + 1
    for _ in range(FREE_OF_ACCOUNT):
        assert one.begin("ada", "10.0.0.1") == 0


def test_however_many_names_are_tried_no_more_than_so_many_are_remembered() -> None:
    one = Throttle(Clock())
    for number in range(KEYS_MAX):
        one.begin(f"{number}" + "x" * 100_000, f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(one._tries) == KEYS_MAX and max(map(len, one._tries)) < 80


def test_an_ipv6_machine_is_its_network() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1") == "2001:db8::/64"
    assert network_of("10.0.0.1") == "10.0.0.1" and network_of("unknown") == "unknown"
