"""The app that the tests of this folder share: instant models for every tab, clouds on this machine, open to all."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from providers import catalog
from providers.cloud import CloudSettings
from providers.keys import Keys
from studio.scheduling.contract import JobView
from studio.service import Studio
from tests.patience import PATIENCE_SECONDS
from tests.providers.clouds import CANARIES, PATIENT, TODAY
from tests.providers.loopback import Provider, serving
from tests.studio.fakes import FakeModel, spec_of
from tests.studio.selecting_fake import colour_spec
from tests.studio.turning_fake import FakeSplats, turning_specs
from tests.ui.painter import Brush
from tests.ui.retoucher import retouchers
from tests.ui.serve import everybody_by_token, served

ADA, GRACE = "ada's token", "grace's token"


@dataclass(eq=False)
class Site:
    """The app, what it works with, and where it keeps it."""

    url: str
    studio: Studio
    model: FakeModel
    outputs: Path
    provider: Provider  # of all clouds

    def visitor(self, token: str = ADA) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=PATIENCE_SECONDS, headers={"X-Diorama-Token": token})

    def begin(self, http: httpx.Client, endpoint: str, **values: object) -> str:
        """Call an endpoint. Returns the id of the event in which the answer comes."""
        body = {"token": http.headers["X-Diorama-Token"], **values}
        return http.post(f"gradio_api/call/v2/{endpoint}", json=body).raise_for_status().json()["event_id"]

    def end(self, http: httpx.Client, endpoint: str, event: str) -> str:
        """The last event of the answer, whole."""
        return http.get(f"gradio_api/call/{endpoint}/{event}").text.strip().rpartition("\n\n")[2]

    def ask(self, http: httpx.Client, endpoint: str, **values: object) -> str:
        return self.end(http, endpoint, self.begin(http, endpoint, **values))

    def hold(self) -> None:
        """Have the model wait at its next step, whatever gates an earlier test has opened."""
        self.model.gate = threading.Semaphore(0)
        self.model.gated = True

    def running(self, owner: str) -> JobView:
        """The owner's job that a gated model works on now."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (jobs := [job for job in self.studio.jobs(owner) if job.state == "running"]):
            assert time.monotonic() < deadline, "it never began"
            time.sleep(0.01)
        return jobs[0]


@contextmanager
def opened(outputs: Path) -> Iterator[Site]:
    """The app while it is served."""
    model = FakeModel(steps=1)
    specs = [spec_of(model), *retouchers(Brush(0)), colour_spec(), *turning_specs(splats=FakeSplats(100))]
    with serving() as provider:
        connection = CloudSettings(addresses={"OpenAI": f"{provider.url}/v1", "Google": provider.url}, limits=PATIENT)
        studio = Studio([*specs, *catalog.models(Keys(CANARIES), connection, today=lambda: TODAY)], outputs)
        with served(studio, everybody_by_token) as url:
            yield Site(url, studio, model, outputs, provider)
            model.let_go()
        studio.close()
