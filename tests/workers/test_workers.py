"""Jobs of an app that other machines do: the same pictures, progress, Stop and sentences as here."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from nats.js.api import StreamState
from nats.js.errors import NotFoundError
from PIL import Image

from studio.contract import GenerateRequest, IterateRequest, Progress, Size, Task
from studio.errors import BadPicture, Cancelled, NotSupported, OutOfMemory
from studio.grids.grid import GridRequest, axis
from studio.model_files import size_of
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.studio.fakes import ENDLESS, OWNER, FakeModel, ask, finished, ignore, picture, spec_of, until
from tests.studio.pictures_in import corners, saved
from tests.workers.conftest import OpenApp, StartWorker
from tests.workers.nats_server import NatsServer
from tests.workers.painting import painter
from workers import codec, names
from workers.connection import Connection
from workers.remote import RemoteWorkers


def test_a_worker_makes_the_pictures_that_are_asked_for(open_app: OpenApp, start_worker: StartWorker):
    start_worker(painter(0.02), host="gpu-box")
    studio = open_app()
    job = finished(studio, ask(studio, model="painter", seed=7, count=2))
    assert (job.state, len(job.assets)) == ("done", 2)
    recipes = [studio.asset(OWNER, id).recipe for id in job.assets]
    assert [(each.seed, each.model, each.revision, each.prompt) for each in recipes] == [
        (7, "painter", "r1", "a red ball"),
        (8, "painter", "r1", "a red ball"),
    ]
    with Image.open(studio.path(OWNER, job.assets[1])) as image:
        assert image.getpixel((0, 0)) == (8, 0, 77)


def test_progress_and_previews_come_from_the_worker(open_app: OpenApp, start_worker: StartWorker):
    model = FakeModel(steps=3)
    model.gated = True
    start_worker(spec_of(model), host="gpu-box")
    studio = open_app()
    job = ask(studio, model="fake")
    try:
        told = until(studio, job, lambda view: "on gpu-box" in view.note)
        assert told.note == "loading Fake on gpu-box"
        model.open_gate()
        told = until(studio, job, lambda view: view.step == 1)
        assert told.steps == 3 and told.preview
    finally:
        model.let_go()
    assert finished(studio, job).state == "done"


def test_pictures_travel_to_the_worker_with_the_request(open_app: OpenApp, start_worker: StartWorker):
    model = FakeModel()
    model.paint = lambda request: request.references[0]
    start_worker(spec_of(model, tasks=frozenset({Task.ITERATE}), references=2))
    studio = open_app()
    source = studio.take_in(OWNER, saved(corners(), "PNG"))
    job = finished(studio, studio.iterate(OWNER, IterateRequest(source.id, "leave it", "fake")))
    assert job.state == "done"
    (sent,) = model.requests[0].references
    with Image.open(studio.path(OWNER, source.id)) as image:
        assert sent.tobytes() == image.convert("RGB").resize(sent.size, Image.Resampling.LANCZOS).tobytes()


def test_a_model_is_offered_while_a_worker_has_it(open_app: OpenApp, start_worker: StartWorker):
    worker = start_worker(painter(), spec_of(FakeModel(), "other"), host="gpu-box", machine="NVIDIA H200")
    studio = open_app(spec_of(FakeModel(), "own"))
    assert [spec.id for spec in studio.models(Task.GENERATE)] == ["own", "painter", "other"]
    assert studio.model("painter").readiness().label == "on gpu-box"
    assert studio.workers.present() == [("gpu-box", "NVIDIA H200", ("painter", "other"))]
    shown = {state.spec.id: state for state in studio.model_files.states()}["painter"]
    assert (shown.readiness.label, size_of(shown), shown.actions) == ("on gpu-box", "", ())
    worker.close()
    wait_until(lambda: not studio.workers.present())
    assert [spec.id for spec in studio.models(Task.GENERATE)] == ["own"]


def test_places_are_counted_once_until_a_worker_comes_or_goes(open_app: OpenApp, start_worker: StartWorker):
    class Counting(dict[str, Any]):
        """Of which it is known how often it was looked through: there may be a thousand workers."""

        looks = 0

        def values(self) -> Any:
            self.looks += 1
            return super().values()

    start_worker(painter())
    workers = open_app().workers
    assert isinstance(workers, RemoteWorkers)
    workers._heard, before = (heard := Counting(workers._heard)), workers.places("painter")
    looks = heard.looks
    assert [before, *(workers.places("painter") for _ in range(100)), heard.looks] == [1] * 101 + [looks]
    second = start_worker(painter(), host="another")
    wait_until(lambda: workers.places("painter") == 2)
    second.close()
    wait_until(lambda: workers.places("painter") == 1)


def test_a_worker_keeps_to_the_precision_and_to_fast(open_app: OpenApp, start_worker: StartWorker):
    slow, quick = FakeModel(), FakeModel()
    start_worker(
        spec_of(slow, "packed", precisions=("16-bit", "nf4", "int8")),
        spec_of(quick, "quick", fast=True),
    )
    studio = open_app()
    assert (studio.model("packed").precisions, studio.model("packed").fast) == (("16-bit", "nf4", "int8"), False)
    for job in (ask(studio, model="packed", precision="nf4"), ask(studio, model="quick", fast=True)):
        assert finished(studio, job).state == "done"
    assert [(each.precision, each.fast) for each in (*slow.requests, *quick.requests)] == [("nf4", False), ("", True)]
    with pytest.raises(NotSupported):
        ask(studio, model="quick", precision="nf4")


def test_what_one_of_the_workers_cannot_honour_is_not_offered_and_stays_here(
    open_app: OpenApp, start_worker: StartWorker
):
    here, there, kept = FakeModel(), FakeModel(), ("16-bit", "nf4")
    here.gated = True
    start_worker(spec_of(there, precisions=kept), spec_of(FakeModel(), "only there", precisions=kept, fast=True))
    start_worker(spec_of(there, precisions=()), spec_of(FakeModel(), "only there", precisions=("nf4",)))
    studio = open_app(spec_of(here, precisions=kept), awaited=2)
    assert (studio.model("only there").precisions, studio.model("only there").fast) == (("nf4",), False)
    first, packed = ask(studio, precision="nf4"), ask(studio, precision="nf4")
    try:
        here.wait_until_entered()
        assert finished(studio, ask(studio)).state == "done" and len(there.requests) == 1  # any of them may
        assert studio.job(OWNER, packed.id).state == "waiting"
    finally:
        here.let_go()
    assert [finished(studio, job).state for job in (first, packed)] == ["done", "done"]
    assert [request.precision for request in here.requests] == ["nf4", "nf4"]


def test_a_model_of_both_is_used_here_first_and_there_while_this_machine_is_busy(
    open_app: OpenApp, start_worker: StartWorker
):
    here, there = FakeModel(), FakeModel()
    here.gated = there.gated = True
    start_worker(spec_of(there))
    studio = open_app(spec_of(here))
    jobs = [ask(studio, seed=seed) for seed in range(3)]
    try:
        here.wait_until_entered()
        there.wait_until_entered()
        assert sorted(studio.job(OWNER, job.id).state for job in jobs) == ["running", "running", "waiting"]
        (mine,) = (jobs[request.seed] for request in here.requests)
        there.let_go()  # and takes the one that waits, too
        assert [finished(studio, job).state for job in jobs if job is not mine] == ["done", "done"]
    finally:
        here.let_go()
        there.let_go()
    assert finished(studio, mine).state == "done"
    assert (len(here.requests), len(there.requests)) == (1, 2)


def test_stop_reaches_the_worker(open_app: OpenApp, start_worker: StartWorker, connection: Connection):
    model = FakeModel(steps=ENDLESS)
    start_worker(spec_of(model))
    studio = open_app()
    job = ask(studio, model="fake")
    model.wait_until_entered()
    studio.cancel(OWNER, job.id)
    assert finished(studio, job).state == "stopped"
    model.steps = 1
    assert finished(studio, ask(studio, model="fake")).state == "done"
    wait_until(lambda: _state(connection, names.JOBS).messages == 0)


def test_a_job_that_is_stopped_before_a_worker_begins_is_taken_back(
    open_app: OpenApp, start_worker: StartWorker, connection: Connection
):
    worker = start_worker(spec_of(FakeModel()))
    asks = open_app().model("fake").load(ignore)
    worker.close()

    def stop_once_it_is_queued(_progress: Progress) -> None:
        if _state(connection, names.JOBS).messages:
            raise Cancelled

    with pytest.raises(Cancelled):
        asks.run(codec.to_request(_REQUEST, ()), stop_once_it_is_queued)
    wait_until(lambda: _state(connection, names.JOBS).messages == 0)


def test_a_worker_that_leaves_gives_its_job_back(open_app: OpenApp, start_worker: StartWorker):
    first = FakeModel(steps=ENDLESS)
    leaver = start_worker(spec_of(first))
    studio = open_app()
    job = ask(studio, model="fake")
    first.wait_until_entered()
    leaver.close()
    start_worker(spec_of(FakeModel()), host="another")
    assert finished(studio, job).state == "done"


def test_nothing_of_a_comparison_stays_on_the_server(
    open_app: OpenApp, start_worker: StartWorker, connection: Connection
):
    async def kept() -> list[str | None]:
        try:
            return [each.name for each in await connection._pictures().list(ignore_deletes=True)]
        except NotFoundError:
            return []

    model = FakeModel()
    start_worker(spec_of(model))
    studio = open_app()
    job = studio.compare(OWNER, GridRequest(GenerateRequest("a red ball", "fake"), axis("seed", [1, 2])))
    assert finished(studio, job).state == "done" and [request.seed for request in model.requests] == [1, 2]
    wait_until(lambda: connection.call(kept()) == [])


def test_a_sentence_of_the_worker_reaches_the_person(open_app: OpenApp, start_worker: StartWorker):
    model = FakeModel()

    def refuse(_request: object) -> None:
        raise BadPicture("This picture is too dark to be changed. Take a lighter one.")

    model.paint = refuse
    start_worker(spec_of(model))
    studio = open_app()
    job = finished(studio, ask(studio, model="fake"))
    assert (job.state, job.error) == ("failed", "This picture is too dark to be changed. Take a lighter one.")


def test_what_no_worker_can_make_becomes_a_dead_letter_and_a_sentence(
    open_app: OpenApp, start_worker: StartWorker, connection: Connection
):
    model = FakeModel()

    def fail(_request: object) -> None:
        raise OutOfMemory("The model ran out of memory.")

    model.paint = fail
    start_worker(spec_of(model))
    studio = open_app()
    job = finished(studio, ask(studio, model="fake"))
    assert (job.state, job.error) == ("failed", "The model ran out of memory.")
    assert len(model.requests) == names.MOST_TRIES and model.closed
    letter = connection.call(connection.stream.get_last_msg(names.DEAD, names.dead("gpu", "fake")))
    assert codec.loaded(codec.Job, letter.data or b"").request["prompt"] == "a red ball"
    assert (letter.headers or {})["Diorama-Why"] == "The model ran out of memory."


def test_a_job_that_is_sent_twice_is_done_once(start_worker: StartWorker, connection: Connection):
    model = FakeModel()
    start_worker(spec_of(model))
    values, _ = codec.request_values(codec.to_request(_REQUEST, ()))
    job = codec.dumped(codec.Job("twice", "gpu", "fake", values))
    for message_id in ("twice", "twice", "after the window of the server"):
        connection.call(connection.stream.publish(names.jobs("gpu", "fake"), job, headers={"Nats-Msg-Id": message_id}))
    wait_until(lambda: _state(connection, names.JOBS).messages == 0)
    assert len(model.requests) == 1
    said, (image,) = codec.unpacked(connection.call(connection.get(names.result("twice"))) or b"")
    assert said["seed"] == 3 and image.tobytes() == picture(model.requests[0]).tobytes()


def test_a_job_that_waits_for_its_turn_is_not_counted_as_tried(start_worker: StartWorker, connection: Connection):
    models = {f"model {number}": FakeModel() for number in range(names.MOST_TRIES + 3)}
    values, _ = codec.request_values(codec.to_request(_REQUEST, ()))
    for id in models:
        job = codec.dumped(codec.Job(names.token(id), "gpu", id, values))
        connection.call(connection.stream.publish(names.jobs("gpu", id), job))
    start_worker(*(spec_of(model, id) for id, model in models.items()))
    wait_until(lambda: _state(connection, names.JOBS).messages == 0)
    assert [len(model.requests) for model in models.values()] == [1] * len(models)


def test_a_job_that_ended_ever_so_many_workers_is_put_aside(start_worker: StartWorker, connection: Connection):
    async def lose_workers() -> None:
        queue = names.consumer("gpu", "fake")
        await connection.stream.add_consumer(names.JOBS, queue)
        await connection.stream.publish(names.jobs("gpu", "fake"), codec.dumped(codec.Job("poison", "gpu", "fake", {})))
        pulled = await connection.stream.pull_subscribe_bind(queue.durable_name or "", names.JOBS)
        for _ in range(4 * names.MOST_TRIES):
            await (await pulled.fetch(1, PATIENCE_SECONDS))[0].nak()
        await pulled.unsubscribe()

    connection.call(lose_workers())
    model = FakeModel()
    start_worker(spec_of(model))
    wait_until(lambda: _state(connection, names.JOBS).messages == 0)
    said, _ = codec.unpacked(connection.call(connection.get(names.result("poison"))) or b"")
    assert f"{names.MOST_TRIES} workers ended" in said["error"] and not model.requests


def test_nonsense_in_the_queue_is_put_aside(start_worker: StartWorker, connection: Connection):
    model = FakeModel()
    start_worker(spec_of(model))
    for content in (
        b"",
        b"{}",
        b"\x80",
        b'{"id": 3}',
        b"[" * 100_000,
        b'{"id":"a","lane":"gpu","model":"fake","request":{"size":"x"}}',
    ):
        connection.call(connection.stream.publish(names.jobs("gpu", "fake"), content))
    wait_until(lambda: _state(connection, names.JOBS).messages == 0)
    assert _state(connection, names.DEAD).messages >= 5 and not model.requests


def test_somebody_who_hears_of_every_job_and_never_reads_stalls_nobody(
    open_app: OpenApp, start_worker: StartWorker, one_server: NatsServer
):
    start_worker(spec_of(FakeModel(steps=400), sizes=(Size(512, 512),)))
    studio = open_app()
    with socket.create_connection(("127.0.0.1", one_server.port)) as deaf:
        deaf.sendall(b'CONNECT {"verbose":false}\r\nSUB > 1\r\n')
        assert [finished(studio, ask(studio, model="fake")).state for _ in range(3)] == ["done"] * 3


def test_heartbeats_keep_a_takeover_below_ten_seconds():
    assert (
        names.ACK_WAIT_SECONDS + names.HEARTBEAT_SECONDS < 10 and names.ACK_WAIT_SECONDS > 3 * names.HEARTBEAT_SECONDS
    )


_REQUEST = {
    "prompt": "a red ball",
    "size": [64, 64],
    "seed": 3,
    "steps": 3,
    "guidance": 4.0,
    "references": 0,
    "mask": False,
}


def _state(connection: Connection, stream: str) -> StreamState:
    return connection.call(connection.stream.stream_info(stream)).state
