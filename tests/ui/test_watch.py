"""Waiting for a change: at once when there is one, no longer than asked, and without a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest

from studio.service import Studio
from tests.ui.painter import Brush, catalog
from ui.watch import pulse_after, watch

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


@pytest.mark.parametrize("wait", [float("nan"), -1, "x", None])
def test_a_wait_that_is_none_is_no_wait(own_studio: Studio, wait: object):
    before = own_studio.pulse("ada")
    assert finished(watch(own_studio, "ada", {"since": before, "wait": wait})) == {"pulse": before}


def test_many_waiting_pages_hold_no_thread(own_studio: Studio):
    async def wait() -> int:
        before, threads = own_studio.pulse("ada"), threading.active_count()
        waiting = [asyncio.create_task(pulse_after(own_studio, "ada", before, FOR_EVER)) for _ in range(200)]
        await asyncio.sleep(0)
        assert threading.active_count() == threads
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
