"""One studio served twice: to the person at this machine, who needs no key, and to programs with one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import httpx
import openai
import pytest

from studio.client_keys import ClientKeys
from studio.contract import Task
from studio.imaging.control import CANNY
from studio.scheduling.contract import JobView
from studio.service import Studio
from tests.patience import PATIENCE_SECONDS
from tests.studio.selecting_fake import colour_spec
from tests.studio.turning_fake import FakeSplats, turning_specs
from tests.ui.painter import Brush, catalog
from tests.ui.retoucher import Retoucher, retouchers
from tests.ui.serve import everybody_by_token, one_person, served
from ui.programs.mcp_http import McpOverHttp


@dataclass
class Programs:
    """The studio, and where it is served."""

    studio: Studio
    brush: Brush
    retoucher: Retoucher
    keys: ClientKeys
    local: str  # address without a slash: nobody needs a key
    keyed: str  # everybody does
    clients: list[openai.OpenAI] = field(default_factory=list)

    def client(self, key: str = "") -> openai.OpenAI:
        """The real SDK, as a program uses it; closed when the test is over."""
        url = f"{self.keyed if key else self.local}/v1"
        self.clients.append(openai.OpenAI(base_url=url, api_key=key or "none", max_retries=0, timeout=PATIENCE_SECONDS))
        return self.clients[-1]

    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.local, timeout=PATIENCE_SECONDS)

    def until(self, owner: str, true: Callable[[JobView], bool]) -> JobView:
        """The newest job of somebody, once it is as it ought to be."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not ((newest := self.studio.jobs(owner, 1)) and true(newest[0])):
            assert time.monotonic() < end, newest
            time.sleep(0.02)
        return newest[0]


@pytest.fixture(scope="package")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    outputs, brush = tmp_path_factory.mktemp("outputs"), Brush(0.002)
    retoucher = Retoucher(brush)
    followers = [
        replace(catalog(brush)[0], id=id, label=id.capitalize(), control=CANNY.id, tasks=frozenset(tasks))
        for id, tasks in (("tracer", [Task.GENERATE]), ("follower", [Task.GENERATE, Task.ITERATE]))
    ]
    models = [*catalog(brush), *retouchers(brush, retoucher), colour_spec(), *turning_specs(splats=FakeSplats(300))]
    models += [*followers, CANNY]
    studio, keys = Studio(models, outputs), ClientKeys(outputs)
    more = {"keys": keys, "assistants": McpOverHttp}
    with served(studio, one_person, **more) as local, served(studio, everybody_by_token, **more) as keyed:
        yield Programs(studio, brush, retoucher, keys, local.rstrip("/"), keyed.rstrip("/"))
        brush.go()
    studio.close()


@pytest.fixture(autouse=True)
def at_its_pace(programs: Programs) -> Iterator[None]:
    """What a test holds or opens, it does for itself."""
    yield
    programs.brush.go()
    while programs.clients:
        programs.clients.pop().close()


@pytest.fixture
def key(programs: Programs, request: pytest.FixtureRequest) -> Iterator[str]:
    """A key of Ada's."""
    yield programs.keys.add("reader", "user-ada")
    programs.keys.remove("reader")
