"""Wrong passwords slow the next guess down, and keep nobody out who knows the right one."""

from __future__ import annotations

import pytest

from ui.guard.sign_in import guesses as limits
from ui.guard.sign_in.guesses import FREE, LONGEST, Guesses

OURS, THEIRS = "192.0.2.1", "203.0.113.9"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guesses(clock: Clock) -> Guesses:
    return Guesses(clock)


def spend(guesses: Guesses, address: str = THEIRS, name: str = "ada") -> None:
    for _ in range(FREE):
        assert guesses.admit(address, name) == 0


def test_after_five_wrong_ones_each_waits_twice_as_long_up_to_a_minute(guesses: Guesses, clock: Clock):
    spend(guesses)
    waits = []
    for _ in range(9):
        waits.append(guesses.admit(THEIRS, "ada"))
        clock.now += waits[-1]
        assert guesses.admit(THEIRS, "ada") == 0
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_asking_while_one_has_to_wait_makes_nothing_longer(guesses: Guesses, clock: Clock):
    spend(guesses)
    for _ in range(100):
        assert guesses.admit(THEIRS, "ada") == 1
    clock.now += 1
    assert guesses.admit(THEIRS, "ada") == 0


def test_an_address_waits_whatever_names_it_tries(guesses: Guesses):
    for number in range(FREE):
        assert guesses.admit(THEIRS, f"name-{number}") == 0
    assert guesses.admit(THEIRS, "another") == 1
    assert guesses.admit(OURS, "another") == 0


def test_a_name_waits_from_wherever_it_is_tried_and_however_it_is_spelt(guesses: Guesses):
    for number, name in enumerate(("ada", "Ada", "ADA", " ada ", "ａｄａ")):
        assert guesses.admit(f"203.0.113.{number}", name) == 0
    assert guesses.admit(OURS, "ada") == 1
    assert guesses.admit(OURS, "grace") == 0


def test_whoever_was_told_to_wait_is_taken_then_whatever_others_do_meanwhile(guesses: Guesses, clock: Clock):
    """Thousands of machines guess one name without a pause; its owner comes once, is told a time, and comes again."""
    machines = iter(range(10**6))
    for _ in range(40):
        machine = f"10.0.0.{next(machines)}"
        clock.now += guesses.admit(machine, "ada")
        guesses.admit(machine, "ada")
    told = guesses.admit(OURS, "ada")
    assert 0 < told <= LONGEST
    for _ in range(1_000):
        clock.now += told / 1_000
        guesses.admit(f"10.1.{next(machines)}.0", "ada")
    clock.now += 0.001
    assert guesses.admit(OURS, "ada") == 0


def test_the_promise_is_kept_once(guesses: Guesses, clock: Clock):
    spend(guesses)
    told = guesses.admit(OURS, "ada")
    clock.now += told
    assert guesses.admit(OURS, "ada") == 0
    assert guesses.admit(OURS, "ada") > 0


def test_the_right_password_ends_the_wait(guesses: Guesses):
    spend(guesses, OURS)
    guesses.right(OURS, "ada")
    assert guesses.admit(OURS, "ada") == 0


def test_after_a_while_all_is_forgotten(guesses: Guesses, clock: Clock):
    spend(guesses)
    clock.now += limits.FORGET
    spend(guesses)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::2"),
        ("unknown", "unknown"),
    ],
)
def test_one_persons_addresses_count_as_one(guesses: Guesses, first: str, second: str):
    for number in range(FREE):
        assert guesses.admit(first, f"name-{number}") == 0
    assert guesses.admit(second, "another") == 1


def test_memory_is_bounded(guesses: Guesses):
    for number in range(limits.MOST + 50):
        guesses.admit(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", f"name-{number}" + "x" * 10_000)
    kept = [recent._values for recent in (guesses._addresses, guesses._names, guesses._promised)]
    assert [len(values) for values in kept] == [limits.MOST, limits.MOST, 0]
    assert max(len(name) for name in guesses._names._values) <= 200
