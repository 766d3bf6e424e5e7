"""Turns: what one owner asks for delays the others by as much as they ask for themselves, and no more."""

from __future__ import annotations

import threading

from hypothesis import given, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from studio.contract import GenerateRequest, Task
from studio.grids.grid import GridRequest, axis
from studio.scheduling.changes import Changes
from studio.scheduling.fair_queue import FairQueue
from studio.scheduling.ledger import JobRow
from studio.scheduling.live_job import LiveJob
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import FakeModel, ask, finished

CHANGES = Changes()
OWNERS = ("ada", "grace", "joan")


def live(number: int, owner: str, pictures: int = 1) -> LiveJob:
    row = JobRow(number, f"{number}", owner, Task.GENERATE, "gpu", "m", "t", pictures, {}, "waiting", 0, 0.0, 0, "")
    return LiveJob(row, CHANGES, 0.0)


def popped(queue: FairQueue) -> list[LiveJob]:
    return [queue.pop() for _ in range(len(queue))]


@given(
    flood=st.integers(100, 1_000),
    had=st.integers(0, 30),
    mine=st.lists(st.integers(1, 8), min_size=1, max_size=20),
    theirs=st.integers(1, 8),
)
def test_a_thousand_jobs_delay_those_of_another_by_at_most_2_times(flood: int, had: int, mine: list[int], theirs: int):
    queue = FairQueue()
    for number in range(flood):
        queue.add(live(number, "flood", theirs))
    for _ in range(had):
        queue.pop()
    for number, pictures in enumerate(mine, start=flood):
        queue.add(live(number, "ada", pictures))
    alone = waited = 0
    while any(job.row.owner == "ada" for job in queue):
        job = queue.pop()
        waited += job.row.pictures
        if job.row.owner == "ada":
            alone += job.row.pictures
            # In between a job of the other's may be whole, and no more than that.
            assert waited <= 2 * alone + theirs - 1, (waited, alone)


def test_a_comparison_takes_as_many_turns_as_it_has_pictures(open_studio: OpenStudio):
    model = FakeModel()
    studio = open_studio(model)
    model.gated = True
    try:
        ask(studio, owner="grace")
        model.wait_until_entered()
        axes = axis("seed", [1, 2, 3]), axis("steps", [1, 2])
        sheets = [studio.compare("ada", GridRequest(GenerateRequest("a red ball"), *axes)) for _ in range(2)]
        single = [ask(studio, owner="joan") for _ in range(6)]
        order = [*studio.hosting.jobs()[1:]]
    finally:
        model.let_go()
    assert [job.id for job in order] == [sheets[0].id, *(job.id for job in single), sheets[1].id]


@given(st.lists(st.tuples(st.sampled_from(OWNERS), st.integers(1, 8)), max_size=40))
def test_every_job_has_its_turn_once_and_those_of_one_owner_in_their_order(jobs: list[tuple[str, int]]):
    queue = FairQueue()
    added = [live(number, owner, pictures) for number, (owner, pictures) in enumerate(jobs)]
    for job in added:
        queue.add(job)
    told = sorted(added, key=queue.place)
    order = popped(queue)
    assert order == told
    assert sorted(job.row.number for job in order) == [*range(len(jobs))]
    for owner in OWNERS:
        numbers = [job.row.number for job in order if job.row.owner == owner]
        assert numbers == sorted(numbers)


class Turns(RuleBasedStateMachine):
    """Jobs come, leave and start in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.queue, self.model, self.number = FairQueue(), list[LiveJob](), 0

    @rule(owner=st.sampled_from(OWNERS), pictures=st.integers(1, 8))
    def add(self, owner: str, pictures: int) -> None:
        self.number += 1
        self.model.append(live(self.number, owner, pictures))
        self.queue.add(self.model[-1])

    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        if self.model:
            job = data.draw(st.sampled_from(self.model))
            self.queue.remove(job)
            self.model.remove(job)

    @rule()
    def start(self) -> None:
        if self.model:
            job = min(self.model, key=self.queue.place)
            assert self.queue.pop() is job
            self.model.remove(job)

    @invariant()
    def holds_what_waits(self) -> None:
        assert sorted(map(id, self.queue)) == sorted(map(id, self.model))
        assert len(self.queue) == len(self.model) and bool(self.queue) == bool(self.model)
        assert sorted(self.queue.place(job) for job in self.model) == [*range(len(self.model))]
        assert len(self.queue._had) <= len(OWNERS)


TestTurns = Turns.TestCase


def test_with_a_studio_the_second_owner_is_served_after_one_picture(open_studio: OpenStudio, model: FakeModel):
    studio = open_studio(model)
    flood = [ask(studio, f"flood {number}", owner="flood") for number in range(5)]
    model.wait_until_entered()
    mine = ask(studio, "mine", owner="ada")
    assert studio.job("ada", mine.id).position == 1
    assert studio.job("flood", flood[1].id).position == 2
    model.let_go()
    for view in (mine, *flood):
        assert finished(studio, view).state == "done"
    assert [request.prompt for request in model.requests][:3] == ["flood 0", "mine", "flood 1"]


def test_a_pause_lets_what_runs_end_and_what_comes_wait(open_studio: OpenStudio, model: FakeModel):
    studio = open_studio(model)
    first = ask(studio, "first", owner="ada")
    model.wait_until_entered()
    studio.hosting.pause(True)
    second = ask(studio, "second", owner="grace")
    model.let_go()
    assert finished(studio, first).state == "done"
    assert studio.job("grace", second.id).state == "waiting"
    assert [job.id for job in studio.hosting.jobs()] == [second.id]
    studio.hosting.pause(False)
    assert finished(studio, second).state == "done"
    assert threading.active_count() < 50
