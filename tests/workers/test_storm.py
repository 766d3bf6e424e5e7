"""kill -9 of workers, the app and the NATS server at random: every job has exactly one result, and none is lost."""

from __future__ import annotations

import os
from pathlib import Path

from tests.patience import wait_until
from tests.studio.fakes import ask, finished
from tests.workers.conftest import OpenApp
from tests.workers.nats_server import NatsServer
from tests.workers.storm import Program, storm
from workers import names


def test_kill_9_of_anybody_loses_no_job_and_doubles_none(tmp_path: Path):
    rounds = int(os.environ.get("DIORAMA_STORM_ROUNDS", "40"))
    wrong, killed = storm(tmp_path, rounds, int(os.environ.get("DIORAMA_STORM_SEED", "1")))
    assert wrong == []
    assert killed.total() == rounds


def test_a_job_that_kills_its_workers_is_put_aside_and_its_person_told(one_server: NatsServer, open_app: OpenApp):
    workers = [Program("work", one_server.address, 0.05) for _ in range(2)]
    studio = open_app()
    try:
        job = ask(studio, "poison", model="painter")
        while not studio.job(job.owner, job.id).is_over:
            for worker in workers:
                if worker.process.poll() is not None:
                    worker.start()
            wait_until(lambda: studio.job(job.owner, job.id).is_over or any(each.process.poll() for each in workers))
        assert f"{names.MOST_TRIES} workers ended" in studio.job(job.owner, job.id).error
        assert finished(studio, ask(studio, model="painter")).state == "done"
    finally:
        for worker in workers:
            worker.kill()
