"""The thread that answers clicks, and what takes its place when it hangs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from studio.contract import Progress, Tell
from studio.errors import NotReady, StudioError, Superseded
from studio.residents import unheard
from studio.segmentation import click_queue
from studio.segmentation.click_queue import HUNG_SECONDS, MOST_HUNG, Clicks
from tests.patience import PATIENCE_SECONDS, wait_until


class Bench:
    """Clicks with a clock that the test sets, and people who click."""

    def __init__(self, people: ThreadPoolExecutor) -> None:
        self.now, self.go, self.begun, self.left = 0.0, threading.Event(), 0, 0
        self.clicks = Clicks(lambda: self.now)
        self._people = people

    def hold(self, tell: Tell = unheard) -> None:
        """Work that hangs until `go`."""
        self.begun += 1
        self.go.wait(PATIENCE_SECONDS)
        tell(Progress(0, 0))

    def click(
        self, page: str = "", number: int = 0, work: Callable[[Tell], Any] = lambda _tell: "answer"
    ) -> Future[Any]:
        return self._people.submit(self.clicks.ask, "ada", page, number, work, self._leave)

    def hang(self) -> Future[Any]:
        """A click that has begun, and hangs."""
        begun, hanging = self.begun, self.click(work=self.hold)
        wait_until(lambda: self.begun > begun)
        return hanging

    def _leave(self) -> None:
        self.left += 1


@pytest.fixture
def bench() -> Iterator[Bench]:
    with ThreadPoolExecutor(20) as people:
        bench = Bench(people)
        yield bench
        bench.go.set()
    bench.clicks.close()


def test_what_breaks_while_a_click_is_prepared_is_in_the_log(caplog: pytest.LogCaptureFixture):
    clicks = Clicks()
    clicks.later(lambda: 1 // 0)
    clicks.ask("ada", "", 0, lambda _tell: None)  # behind it
    clicks.close()
    assert "ZeroDivisionError" in caplog.text


def test_a_click_that_hangs_is_given_up_and_those_behind_it_are_answered(bench: Bench):
    hanging = bench.hang()
    behind = [bench.click(f"{number}") for number in range(3)]
    wait_until(lambda: bench.clicks._waiting == 4)
    bench.now = HUNG_SECONDS
    with pytest.raises(NotReady, match="five minutes"):
        hanging.result(PATIENCE_SECONDS)
    assert [each.result(PATIENCE_SECONDS) for each in behind] == ["answer"] * 3
    assert (bench.left, bench.clicks._hung) == (1, 1)
    bench.go.set()  # what is given up ends at its next report
    wait_until(lambda: bench.clicks._hung == 0)
    assert bench.click().result(PATIENCE_SECONDS) == "answer"


def test_work_that_reports_does_not_hang(bench: Bench):
    told = threading.Event()

    def work(tell: Tell) -> str:
        for _ in range(3):
            bench.now += HUNG_SECONDS - 1
            tell(Progress(0, 0))
        told.set()
        bench.go.wait(PATIENCE_SECONDS)
        return "slow"

    slow = bench.click(work=work)
    assert told.wait(PATIENCE_SECONDS)
    bench.clicks._look()
    bench.go.set()
    assert slow.result(PATIENCE_SECONDS) == "slow"


def test_what_hangs_while_a_click_is_prepared_is_given_up_too(bench: Bench):
    prepared: list[int] = []
    bench.clicks.later(bench.hold, bench._leave)
    wait_until(lambda: bench.begun)
    for number in range(click_queue.MAX_CHORES):
        bench.clicks.later(partial(prepared.append, number))
    bench.now = HUNG_SECONDS
    assert bench.click().result(PATIENCE_SECONDS) == "answer"
    bench.clicks.later(lambda: prepared.append(9))
    assert bench.click().result(PATIENCE_SECONDS) == "answer"
    assert (prepared, bench.left, bench.clicks._chores) == ([9], 1, 1)


def test_after_a_few_that_hang_no_more_memory_is_spent_on_them(bench: Bench):
    for _ in range(MOST_HUNG):
        hanging = bench.hang()
        bench.now += HUNG_SECONDS
        with pytest.raises(NotReady, match="five minutes"):
            hanging.result(PATIENCE_SECONDS)
    bench.clicks.later(lambda: pytest.fail("it was prepared"))
    with pytest.raises(NotReady, match="Restart Diorama"):
        bench.click().result(PATIENCE_SECONDS)
    bench.go.set()
    wait_until(lambda: bench.clicks._hung == 0)
    assert bench.click().result(PATIENCE_SECONDS) == "answer"


def test_older_clicks_of_a_page_leave_while_another_hangs(bench: Bench):
    bench.hang()
    older = [bench.click("page", number) for number in (1, 2)]
    wait_until(lambda: bench.clicks._waiting == 3)
    newest = bench.click("page", 3)
    for each in older:
        with pytest.raises(Superseded):
            each.result(PATIENCE_SECONDS)
    assert not newest.done()


def test_closing_does_not_wait_for_what_hangs(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(click_queue, "CLOSING_SECONDS", 0.01)
    hanging = bench.hang()
    bench.clicks.close()
    bench.clicks.close()
    with pytest.raises(StudioError, match="closing"):
        bench.click().result(PATIENCE_SECONDS)
    bench.go.set()
    with pytest.raises(Superseded):
        hanging.result(PATIENCE_SECONDS)
