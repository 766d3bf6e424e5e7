"""What is done about models from the page, with a Hub on the loopback address: downloads, pauses, deletions."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines import catalog
from pipelines.hub.cache import Download, HubCache
from pipelines.hub.stored import Stored
from pipelines.local_model import LocalModel
from pipelines.machine import Gpu, Machine
from pipelines.plan import ANYWHERE, Needs, Precision
from pipelines.records.flux import DEV, SCHNELL
from studio.contract import Progress, Tell
from studio.errors import BadRequest, NotSupported
from studio.model_files import ModelFiles, ModelState
from studio.service import Studio
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.pipelines.conftest import DOWNLOAD, fetch, needed_bytes
from tests.pipelines.loopback_hub import Hub

RECORD: LocalModel = replace(
    SCHNELL, id="tiny", label="Tiny", download=DOWNLOAD, gguf=(), needs=Needs(0.001, 0.001, 0.001, 0.001, 0.001)
)


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    return tmp_path / "outputs"


@pytest.fixture
def files(hub: HubCache, outputs: Path) -> Iterator[ModelFiles]:
    studio = started(hub, outputs)
    yield studio.model_files
    studio.close()


def started(hub: HubCache, outputs: Path) -> Studio:
    return Studio(catalog.models(Machine("Linux", 2, 8.0, ()), hub, records=[RECORD]), outputs)


def state(files: ModelFiles) -> ModelState:
    return next(each for each in files.states() if each.spec.id == "tiny")


def is_over(files: ModelFiles) -> bool:
    return state(files).fetch is None


def test_a_download_is_paused_and_goes_on_after_a_restart(served: Hub, hub: HubCache, outputs: Path):
    studio = started(hub, outputs)
    files = studio.model_files
    assert state(files).actions == ("download",)
    assert files.suggested() == ["tiny"]
    served.hold = threading.Event()
    files.act("tiny", "download")
    assert served.held.wait(PATIENCE_SECONDS)
    wait_until(lambda: " of " in getattr(state(files).fetch, "note", ""))
    assert state(files).actions == ("pause", "cancel")
    files.act("tiny", "pause")
    assert getattr(state(files).fetch, "state", "") == "paused"
    served.hold.set()
    wait_until(lambda: not any(each.name.startswith("hub") for each in threading.enumerate()))
    kept = state(files).disk_gb
    assert kept > 0
    studio.close()
    studio = started(hub, outputs)
    files = studio.model_files
    assert state(files).actions == ("download", "cancel")
    assert files.suggested() == []
    files.act("tiny", "download")
    wait_until(lambda: is_over(files))
    assert state(files).readiness.label == "ready"
    assert state(files).actions == ("delete", "load")
    assert sum(served.bytes_sent.values()) < 2 * sum(needed_bytes(served).values())
    studio.close()


def test_a_model_is_loaded_unloaded_and_deleted(hub: HubCache, files: ModelFiles):
    fetch(hub)
    files.act("tiny", "load")
    wait_until(lambda: state(files).is_loaded)
    assert "unload" in state(files).actions
    files.act("tiny", "load")  # as the page still offers it to who has not looked since
    for _ in range(2):
        files.act("tiny", "unload")
    assert not state(files).is_loaded
    files.act("tiny", "delete")
    assert state(files).disk_gb == 0
    assert state(files).actions == ("download",)
    assert not list(hub.cache.rglob("*.safetensors"))


def test_two_who_start_a_download_at_once_start_one(files: ModelFiles):
    class Weights:
        """Of which somebody else starts the download while it is being looked at."""

        fetches, is_looked_at = 0, False

        def fetch(self, tell: Tell) -> None:
            self.fetches += 1
            while True:
                tell(Progress(0, 0))
                time.sleep(0.01)

        def is_complete(self) -> bool:
            if not self.is_looked_at:
                self.is_looked_at = True
                files.act("tiny", "download")
            return False

        def kept_gb(self) -> float:
            return 0.0

        def remove(self) -> None: ...

    weights, spec = Weights(), state(files).spec
    files._specs = lambda: [replace(spec, weights=weights)]
    files.act("tiny", "download")
    files.act("tiny", "pause")
    assert weights.fetches == 1


def test_a_download_is_cancelled_and_nothing_of_it_stays(served: Hub, hub: HubCache, files: ModelFiles):
    served.hold = threading.Event()
    files.act("tiny", "download")
    assert served.held.wait(PATIENCE_SECONDS)
    files.act("tiny", "cancel")
    served.hold.set()
    wait_until(lambda: state(files).disk_gb == 0)
    assert is_over(files)


def test_what_fails_is_said_and_may_be_tried_again(served: Hub, files: ModelFiles):
    served.gate = "hf_secret"
    files.act("tiny", "download")
    wait_until(lambda: getattr(state(files).fetch, "state", "") == "failed")
    assert "is gated" in getattr(state(files).fetch, "note", "")
    served.gate = ""
    files.act("tiny", "download")
    wait_until(lambda: is_over(files))
    assert state(files).readiness.label == "ready"


def test_what_cannot_be_done_is_refused(files: ModelFiles):
    for action in ("pause", "unload", "delete", "load", "format"):
        with pytest.raises(NotSupported):
            files.act("tiny", action)
    with pytest.raises(BadRequest):
        files.act("nothing", "download")


def test_files_that_another_model_needs_stay(hub: HubCache):
    fetch(hub)
    other = Download(DOWNLOAD.repo, "main", file="vae/diffusion_pytorch_model.safetensors")
    stored = Stored(DOWNLOAD, hub, lambda: [DOWNLOAD, other])
    stored.remove()
    assert not stored.is_complete()
    assert hub.snapshot(other) is not None


def test_a_small_card_downloads_the_network_in_few_bits(served: Hub, hub: HubCache):
    """The rest comes from the model's own repository, whose network is left where it is."""
    path = served.folder / "flux1-dev-Q4_K_S.gguf"
    path.write_bytes(b"GGUF" * 10)
    packed = Download(DOWNLOAD.repo, "main", gb=6.81, file=path.name)
    record = replace(DEV, download=replace(DOWNLOAD, gb=33.7), gguf=((Precision.Q4, packed),))
    card = Machine("Linux", 8, 17.2, (Gpu("RTX 3060", 12.9, 12.0, (8, 6)),))
    whole = Machine("Linux", 8, 64.0, (Gpu("A100", 80.0, 79.0, (8, 0)),))
    small = replace(card, can=ANYWHERE | {Precision.Q4})
    assert catalog.spec_of(record, whole, hub, Path()).download_gb == 33.7
    assert catalog.spec_of(record, card, hub, Path()).readiness().label == "needs make extras"
    spec = catalog.spec_of(record, small, hub, Path())
    assert (round(spec.download_gb, 1), spec.pace) == (16.7, "fast")
    assert "4-bit GGUF" in spec.layout
    assert spec.weights is not None
    spec.weights.fetch(lambda _: None)
    path.unlink()
    assert spec.readiness().label == "ready"
    assert not any(name.startswith("transformer/") and name.endswith(".safetensors") for name in served.bytes_sent)
