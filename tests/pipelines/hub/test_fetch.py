"""Downloads from a Hub on the loopback address, through huggingface_hub and our own streams, into a real cache."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import huggingface_hub
import pytest
from PIL import Image

from pipelines import catalog
from pipelines.hub import fetch as hub_fetch
from pipelines.hub.cache import Download, HubCache, missing
from pipelines.machine import Machine
from pipelines.plan import Needs
from pipelines.records import flux, stable_diffusion
from studio.contract import GenerateRequest, ImageRequest, Progress, Size
from studio.errors import Cancelled, NotReady
from studio.service import Studio
from tests.pipelines.conftest import DOWNLOAD, NOT_NEEDED, fetch, needed, needed_bytes
from tests.pipelines.loopback_hub import COMMIT, Hub, serving
from tests.pipelines.tiny_diffusion import save_sdxl

LAPTOP = Machine("Linux x86_64", 2, 24.0, ())
TINY = Needs(text=0.01, transformer=0.01, vae=0.01, step=0.01, decode=0.01)
ENTRIES = {"klein": flux.KLEIN, "schnell": flux.SCHNELL, "dev": flux.DEV}


# --- the good way ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_of_the_catalog_is_downloaded_and_draws(name: str, checkpoints: dict[str, Path], tmp_path: Path):
    download = Download(f"tiny/{name}", "main", gb=0.001)
    with serving(download.repo, checkpoints[name]) as served:
        record = replace(ENTRIES[name], label=f"Tiny {name}", download=download, needs=TINY)
        spec = catalog.spec_of(record, LAPTOP, HubCache(tmp_path / "cache", served.url), tmp_path)
        spec = replace(spec, sizes=(Size(64, 64),), any_size=None)
        assert spec.readiness().ok
        assert "download" in spec.readiness().label
        studio = Studio([spec], tmp_path / "outputs")
        try:
            studio.warm(spec.id)  # must not download 30 GB that nobody asked for
            job = studio.generate("me", GenerateRequest("a red ball", seed=3, steps=8 if name == "dev" else 2))
            notes = [event.note for event in studio.events("me", job.id) if isinstance(event, Progress)]
            done = studio.job("me", job.id)
            assert done.error == ""
            asset = studio.asset("me", done.assets[0])
            with Image.open(studio.path("me", asset.id)) as picture:
                assert picture.size == (64, 64)
            assert asset.recipe.revision == COMMIT
        finally:
            studio.close()
        assert any(f"Tiny {name}" in note for note in notes)
        assert spec.readiness().label == "ready"
        assert served.bytes_sent == needed_bytes(served)
        assert not [asked for asked in served.asked if asked.endswith(NOT_NEEDED)]


def test_only_the_wanted_copy_and_the_parts_of_other_repositories_are_downloaded(tmp_path: Path):
    """As SDXL-Lightning is put together; any repository of this Hub holds the same files."""
    save_sdxl(tmp_path / "hub")
    folder = save_sdxl(tmp_path / "hub", variant="fp16")
    for name in ("unet", "vae"):
        (folder / name / "diffusion_pytorch_model.safetensors").rename(folder / f"{name}_of_another.safetensors")
    parts = tuple(
        (name, Download(f"tiny/{name}", "main", file=f"{name}_of_another.safetensors")) for name in ("unet", "vae")
    )
    download = Download("tiny/sdxl", "main", variant="fp16", parts=parts)
    record = replace(stable_diffusion.LIGHTNING, download=download, needs=TINY)
    with serving("tiny/[a-z]+", folder) as served:
        hub = HubCache(tmp_path / "cache", served.url)
        spec = catalog.spec_of(record, LAPTOP, hub, tmp_path)
        model = spec.load(lambda _progress: None)
        request = ImageRequest("a fox", Size(64, 64), seed=3, steps=4, guidance=0.0)
        assert model.run(request, lambda _progress: None).image.size == (64, 64)
        model.close()
        text = ("text_encoder/model.fp16.safetensors", "text_encoder_2/model.fp16.safetensors")
        assert {*served.bytes_sent} == {*text, "unet_of_another.safetensors", "vae_of_another.safetensors"}
        assert spec.readiness().label == "ready"
        there = hub.files_of_parts(download)["unet"]
        there.unlink()
        assert "download" in spec.readiness().label


def test_progress_is_told_in_bytes_of_all_files(served: Hub, hub: HubCache):
    served.hold = threading.Event()
    notes: list[str] = []

    def tell(progress: Progress) -> None:
        notes.append(progress.note)
        assert progress.steps == 0
        if served.held.is_set() and " of " in progress.note and served.hold is not None:
            served.hold.set()

    fetch(hub, tell)
    total = sum(needed_bytes(served).values()) / 1e6
    assert any(note.startswith("downloading Tiny schnell: ") and f" of {total:.1f} MB" in note for note in notes)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (3, ", seconds left"),
        (59, ", a minute left"),
        (240, ", 4 minutes left"),
        (7000, ", 117 minutes left"),
    ],
)
def test_the_time_left_is_told_in_words(seconds: float | None, text: str):
    assert hub_fetch.left(seconds) == text


def test_the_second_start_needs_no_network(served: Hub, hub: HubCache):
    folder = fetch(hub)
    asked = len(served.asked)
    nowhere = replace(hub, endpoint="http://127.0.0.1:9")
    assert fetch(nowhere) == folder
    assert len(served.asked) == asked
    assert missing(folder) == []


def test_what_other_programs_downloaded_is_used(served: Hub, hub: HubCache):
    huggingface_hub.snapshot_download("tiny/schnell", endpoint=served.url, cache_dir=hub.cache, token=False)
    sent = dict(served.bytes_sent)
    fetch(hub)
    assert served.bytes_sent == sent


def test_other_programs_use_what_was_downloaded(served: Hub, hub: HubCache):
    folder = fetch(hub)
    path = needed(served)[0]
    found = huggingface_hub.try_to_load_from_cache("tiny/schnell", path, cache_dir=hub.cache, revision="main")
    assert found == str(folder / path)


# --- cut, stopped, two at once --------------------------------------------------------------------------------------


def test_a_lost_connection_is_taken_up_where_it_was(served: Hub, hub: HubCache):
    served.cuts = 3
    fetch(hub)
    assert served.bytes_sent == needed_bytes(served)  # nothing was sent twice


def test_stop_leaves_in_the_middle_and_the_next_try_goes_on(served: Hub, hub: HubCache):
    silent = served.hold = threading.Event()  # until the end of this test: nobody may wait for it
    kept = 0

    def stop_in_the_middle(_progress: Progress) -> None:
        nonlocal kept
        kept = sum(part.stat().st_size for part in hub.cache.rglob("*.incomplete"))
        if served.held.is_set() and kept:
            raise Cancelled

    with pytest.raises(Cancelled):
        fetch(hub, stop_in_the_middle)
    assert hub.snapshot(Download("tiny/schnell", "main", "Tiny schnell", gb=0.001)) is None
    halves = dict(served.bytes_sent)
    assert 0 < sum(halves.values()) < sum(needed_bytes(served).values())
    served.hold = None
    fetch(hub)
    silent.set()
    starts = {path: served.starts[path] for path in halves}
    assert all(starts[path] <= half for path, half in halves.items())  # what was still on the line is lost
    assert sum(starts.values()) >= kept > 0


def test_a_killed_download_goes_on_in_the_next_process(served: Hub, hub: HubCache):
    path = max(needed(served), key=lambda each: (served.folder / each).stat().st_size)
    size = (served.folder / path).stat().st_size
    blobs = hub.folder("tiny/schnell") / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{served.sha256(path)}.diorama.incomplete").write_bytes((served.folder / path).read_bytes()[: size - 100])
    assert hub.started_bytes(DOWNLOAD) == size - 100
    fetch(hub)
    assert served.bytes_sent[path] == 100


def test_two_that_want_the_same_download_it_once(served: Hub, hub: HubCache):
    failures: list[BaseException] = []

    def one() -> None:
        try:
            fetch(hub)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert served.bytes_sent == needed_bytes(served)


def test_a_connection_that_brings_nothing_is_given_up_and_what_came_is_kept(served: Hub, hub: HubCache):
    served.cuts = 10**6
    with pytest.raises(
        NotReady, match=r"cannot be reached\. Check the network and try again; what has arrived is kept"
    ):
        fetch(hub)
    kept = hub.started_bytes(DOWNLOAD)
    assert kept > 0
    served.cuts = 0
    served.bytes_sent.clear()
    fetch(hub)
    assert sum(served.bytes_sent.values()) < sum(needed_bytes(served).values())
