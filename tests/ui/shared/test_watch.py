"""Waiting for a change: at once when there is one, no longer than asked, and without a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from studio.contract import GenerateRequest
from studio.scheduling.changes import Changes
from studio.service import Studio
from tests.ui.painter import Brush, catalog
from ui.shared.watch import pulse_after, watch

FOR_EVER = 3600.0
Answer = TypeVar("Answer")


@pytest.fixture
def own_studio(tmp_path: Path):
    studio = Studio(catalog(Brush()), tmp_path)
    yield studio
    studio.close()


def finished(coroutine: Coroutine[Any, Any, Answer]) -> Answer:
    """What it answers, on a thread of its own: that of the tests may hold the loop of the browser."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def change(studio: Studio, owner: str) -> None:
    """Anything that concerns an owner."""
    studio.delete(owner, [])


def test_what_has_changed_before_is_told_at_once(own_studio: Studio):
    assert finished(pulse_after(own_studio, "ada", None, FOR_EVER)) == own_studio.pulse("ada")


def test_a_change_wakes_who_waits_and_another_owners_does_not(own_studio: Studio):
    async def wait() -> int:
        waiting = asyncio.create_task(pulse_after(own_studio, "ada", own_studio.pulse("ada"), FOR_EVER))
        await asyncio.to_thread(change, own_studio, "grace")
        assert not waiting.done()
        await asyncio.to_thread(change, own_studio, "ada")
        return await waiting

    assert finished(wait()) == own_studio.pulse("ada")


def test_without_a_change_the_same_pulse_is_told_in_the_end(own_studio: Studio):
    before = own_studio.pulse("ada")
    assert finished(pulse_after(own_studio, "ada", before, 0.05)) == before
    assert finished(watch(own_studio, "ada", {"since": before, "wait": 0})) == {"pulse": before}


def test_a_job_is_told_as_over_with_its_picture_even_if_it_ends_between_two_looks(
    own_studio: Studio, monkeypatch: pytest.MonkeyPatch
):
    job = own_studio.generate("ada", GenerateRequest("a red ball", steps=4))

    def let_it_end(look: Callable[..., Any]) -> Callable[..., Any]:
        def looked(*args: Any, **options: Any) -> Any:
            seen = look(*args, **options)
            list(own_studio.events("ada", job.id))
            return seen

        return looked

    for name in ("gallery", "jobs"):
        monkeypatch.setattr(own_studio, name, let_it_end(getattr(own_studio, name)))
    told = finished(watch(own_studio, "ada", {"since": None, "wait": 0}))
    (seen,) = told["jobs"]
    assert seen["state"] == "done" and told["pictures"]


@pytest.mark.parametrize("wait", [float("nan"), -1, "x", None])
def test_a_wait_that_is_none_is_no_wait(own_studio: Studio, wait: object):
    before = own_studio.pulse("ada")
    assert finished(watch(own_studio, "ada", {"since": before, "wait": wait})) == {"pulse": before}


def test_many_waiting_pages_hold_no_thread(own_studio: Studio):
    async def wait() -> int:
        before, threads = own_studio.pulse("ada"), {*threading.enumerate()}
        waiting = [asyncio.create_task(pulse_after(own_studio, "ada", before, FOR_EVER)) for _ in range(200)]
        await asyncio.sleep(0)
        assert {*threading.enumerate()} <= threads
        change(own_studio, "ada")
        return len(set(await asyncio.gather(*waiting)))

    assert finished(wait()) == 1


def test_a_change_after_the_server_has_ended_harms_nobody(own_studio: Studio):
    async def give_up() -> None:
        waiting = asyncio.create_task(pulse_after(own_studio, "ada", own_studio.pulse("ada"), FOR_EVER))
        await asyncio.sleep(0)
        waiting.cancel()

    finished(give_up())
    change(own_studio, "ada")


# --- steps of a running job -------------------------------------------------------------------------------------------


class Steps:
    """Real changes, made by hand, as `pulse_after` asks the studio for them."""

    def __init__(self) -> None:
        self.changes = Changes()
        self.pulse, self.news, self.listening = self.changes.of, self.changes.news_of, self.changes.listening

    def step(self) -> int:
        return self.changes.note("ada", is_news=False)

    async def answer(self, since: Any, *, pause: float, seconds: float = FOR_EVER) -> int:
        return await pulse_after(cast(Studio, self), "ada", since, seconds, progress_pause=pause)


def test_a_step_alone_is_told_after_a_pause():
    async def wait() -> float:
        steps = Steps()
        before, began = steps.pulse("ada"), asyncio.get_running_loop().time()
        after = steps.step()
        assert await steps.answer(before, pause=0.2) == after
        return asyncio.get_running_loop().time() - began

    assert finished(wait()) >= 0.19


@pytest.mark.parametrize("steps_first", [0, 1, 3])
def test_news_end_the_pause_at_once_and_the_last_step_is_told_with_them(steps_first: int):
    async def wait() -> None:
        steps = Steps()
        waiting = asyncio.create_task(steps.answer(steps.pulse("ada"), pause=FOR_EVER))
        for _ in range(steps_first):
            await asyncio.sleep(0)
            steps.step()
        assert not waiting.done()
        news = await asyncio.to_thread(steps.changes.note, "ada")
        assert await waiting == news

    finished(wait())


def test_after_the_pause_a_step_wakes_at_once():
    async def wait() -> None:
        steps = Steps()
        waiting = asyncio.create_task(steps.answer(steps.pulse("ada"), pause=0))
        await asyncio.sleep(0)
        assert await asyncio.to_thread(steps.step) == await waiting

    finished(wait())


def test_a_pause_is_no_longer_than_the_wait_and_loses_no_step():
    async def wait() -> None:
        steps = Steps()
        before = steps.pulse("ada")
        step = steps.step()
        assert await steps.answer(before, pause=FOR_EVER, seconds=0.01) == step
        assert await steps.answer(before, pause=FOR_EVER, seconds=0) == step

    finished(wait())


@pytest.mark.parametrize("since", [None, "x", 2.5, -1, 10**15])
def test_who_knows_nothing_yet_waits_for_no_pause(since: object):
    async def wait() -> None:
        steps = Steps()
        assert await steps.answer(since, pause=FOR_EVER) == steps.pulse("ada")

    finished(wait())
