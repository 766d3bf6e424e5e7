"""Downloads from a Hub on the loopback address, through huggingface_hub and our own streams, into a real cache."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import huggingface_hub
import pytest
import torch
from PIL import Image

from pipelines import catalog, hub
from pipelines.blobs import Patience
from pipelines.machine import Machine
from pipelines.plan import Needs
from pipelines.shelf import Download, Shelf, missing
from studio.contract import GenerateRequest, ModelSpec, Progress, Size, Tell
from studio.errors import Cancelled, NotReady, StorageFailed
from studio.service import Studio
from tests.pipelines.loopback_hub import COMMIT, Hub, serving
from tests.pipelines.tiny import save_flux1, save_klein

LAPTOP = Machine("Linux x86_64", 2, 24.0, ())
TINY = Needs(text=0.01, transformer=0.01, vae=0.01, step=0.01, decode=0.01)
QUICK = Patience(tries=3, pause_seconds=0.01)
ENTRIES: dict[str, Callable[..., ModelSpec]] = {
    "klein": catalog.klein_4b,
    "schnell": catalog.schnell,
    "dev": catalog.dev,
}
NOT_NEEDED = ("README.md", "flux1-schnell.safetensors", "vae/diffusion_pytorch_model.fp16.safetensors", "dev_grid.jpg")


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Repositories as they lie on the Hub, with what real ones hold besides."""
    folder = tmp_path_factory.mktemp("hub")
    saved = {
        "klein": save_klein(folder / "klein"),
        "schnell": save_flux1(folder / "schnell", guided=False),
        "dev": save_flux1(folder / "dev", guided=True),
    }
    for each in saved.values():
        for path in NOT_NEEDED:
            (each / path).write_bytes(b"not needed" * 1000)
    return saved


@pytest.fixture
def served(checkpoints: dict[str, Path]) -> Iterator[Hub]:
    with serving("tiny/schnell", checkpoints["schnell"]) as one:
        yield one


@pytest.fixture
def shelf(served: Hub, tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "cache", served.url)


DOWNLOAD = Download("tiny/schnell", "main", "Tiny schnell", gb=0.001)


def ignore(_progress: Progress) -> None:
    pass


def fetch(shelf: Shelf, tell: Tell = ignore, download: Download = DOWNLOAD) -> Path:
    return hub.fetch(download, shelf, tell, QUICK)


def needed(served: Hub) -> list[str]:
    return [path for path in served.large() if path not in NOT_NEEDED]


def needed_bytes(served: Hub) -> dict[str, int]:
    return {path: (served.folder / path).stat().st_size for path in needed(served)}


# --- the good way ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_of_the_catalog_is_downloaded_and_draws(name: str, checkpoints: dict[str, Path], tmp_path: Path):
    download = Download(f"tiny/{name}", "main", f"Tiny {name}", gb=0.001)
    with serving(download.repo, checkpoints[name]) as served:
        spec = ENTRIES[name](LAPTOP, Shelf(tmp_path / "cache", served.url), download, TINY)
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
            assert asset.recipe["revision"] == COMMIT
        finally:
            studio.close()
        assert any(f"Tiny {name}" in note for note in notes)
        assert spec.readiness().label == "ready"
        assert served.bytes_sent == needed_bytes(served)
        assert not [asked for asked in served.asked if asked.endswith(NOT_NEEDED)]


def test_progress_is_told_in_bytes_of_all_files(served: Hub, shelf: Shelf):
    served.hold = threading.Event()
    notes: list[str] = []

    def tell(progress: Progress) -> None:
        notes.append(progress.note)
        assert progress.steps == 0
        if served.held.is_set() and " of " in progress.note and served.hold is not None:
            served.hold.set()

    fetch(shelf, tell)
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
    assert hub.left(seconds) == text


def test_the_second_start_needs_no_network(served: Hub, shelf: Shelf):
    folder = fetch(shelf)
    asked = len(served.asked)
    nowhere = replace(shelf, endpoint="http://127.0.0.1:9")
    assert fetch(nowhere) == folder
    assert len(served.asked) == asked
    assert missing(folder) == []


def test_what_other_programs_downloaded_is_used(served: Hub, shelf: Shelf):
    huggingface_hub.snapshot_download("tiny/schnell", endpoint=served.url, cache_dir=shelf.cache, token=False)
    sent = dict(served.bytes_sent)
    fetch(shelf)
    assert served.bytes_sent == sent


def test_other_programs_use_what_was_downloaded(served: Hub, shelf: Shelf):
    folder = fetch(shelf)
    path = needed(served)[0]
    found = huggingface_hub.try_to_load_from_cache("tiny/schnell", path, cache_dir=shelf.cache, revision="main")
    assert found == str(folder / path)


# --- cut, stopped, two at once --------------------------------------------------------------------------------------


def test_a_lost_connection_is_taken_up_where_it_was(served: Hub, shelf: Shelf):
    served.cuts = 3
    fetch(shelf)
    assert served.bytes_sent == needed_bytes(served)  # nothing was sent twice


def test_stop_leaves_in_the_middle_and_the_next_try_goes_on(served: Hub, shelf: Shelf):
    served.hold = threading.Event()  # the line is silent: Stop must not wait for it

    def stop_in_the_middle(_progress: Progress) -> None:
        if served.held.is_set():
            raise Cancelled

    with pytest.raises(Cancelled):
        fetch(shelf, stop_in_the_middle)
    assert shelf.snapshot("tiny/schnell", "main") is None
    halves = dict(served.bytes_sent)
    assert 0 < sum(halves.values()) < sum(needed_bytes(served).values())
    served.hold.set()
    served.hold = None
    fetch(shelf)
    assert {path: served.starts[path] for path in halves} == halves


def test_a_killed_download_goes_on_in_the_next_process(served: Hub, shelf: Shelf):
    path = max(needed(served), key=lambda each: (served.folder / each).stat().st_size)
    size = (served.folder / path).stat().st_size
    blobs = shelf.folder("tiny/schnell") / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{served.sha256(path)}.diorama.incomplete").write_bytes((served.folder / path).read_bytes()[: size - 100])
    assert shelf.started_bytes(DOWNLOAD) == size - 100
    fetch(shelf)
    assert served.bytes_sent[path] == 100


def test_two_that_want_the_same_download_it_once(served: Hub, shelf: Shelf):
    failures: list[BaseException] = []

    def one() -> None:
        try:
            fetch(shelf)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert served.bytes_sent == needed_bytes(served)


def test_a_connection_that_brings_nothing_is_given_up_and_what_came_is_kept(served: Hub, shelf: Shelf):
    served.cuts = 10**6
    with pytest.raises(
        NotReady, match=r"cannot be reached\. Check the network and try again; what has arrived is kept"
    ):
        fetch(shelf)
    before = sum(served.bytes_sent.values())
    served.cuts = 0
    fetch(shelf)
    assert before > 0
    assert served.bytes_sent == needed_bytes(served)


# --- gates and other refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        (None, r"is gated: accept the licence at http://\S+/tiny/schnell, put HF_TOKEN=\.\.\. in \.env"),
        ("hf_without_access", r"has no access yet: accept the licence at http://\S+/tiny/schnell"),
        ("expired_token", r"does not accept the HF_TOKEN in use\. Make a new one at http://\S+/settings/tokens"),
    ],
)
def test_a_gate_is_a_sentence_that_says_what_to_do(served: Hub, shelf: Shelf, token: str | None, sentence: str):
    served.gate = "hf_right"
    with pytest.raises(NotReady, match=sentence) as refused:
        fetch(replace(shelf, token=token))
    assert token is None or token not in str(refused.value)
    assert fetch(replace(shelf, token="hf_right")).is_dir()


def test_a_token_is_sent_to_the_hub_and_never_elsewhere(served: Hub, shelf: Shelf):
    served.gate = "hf_right"
    folder = fetch(replace(shelf, token="hf_right"))
    assert "hf_right" not in repr(replace(shelf, token="hf_right"))
    kept = [path for path in shelf.cache.rglob("*") if path.is_file()]
    assert not any(b"hf_right" in path.read_bytes() for path in kept)
    assert folder.name == COMMIT
    assert served.bytes_sent
    assert served.tokens_elsewhere == []


def test_no_network_is_a_sentence(shelf: Shelf):
    with pytest.raises(
        NotReady, match=r"Tiny schnell has to be downloaded first, and 127\.0\.0\.1:9 cannot be reached"
    ):
        fetch(replace(shelf, endpoint="http://127.0.0.1:9"))


def test_a_busy_hub_is_asked_again_and_then_named(served: Hub, shelf: Shelf):
    served.busy = 10**6
    with pytest.raises(NotReady, match="503"):
        fetch(shelf)
    served.busy = 0
    assert fetch(shelf).is_dir()


def test_a_repository_that_is_not_there_is_named(shelf: Shelf):
    with pytest.raises(NotReady, match=r"There is no tiny/gone at revision main"):
        fetch(shelf, download=replace(DOWNLOAD, repo="tiny/gone"))


def test_pickled_weights_are_refused_before_they_are_downloaded(tmp_path: Path):
    repo = save_flux1(tmp_path / "repo", guided=False)
    weights = repo / "vae" / "diffusion_pytorch_model.safetensors"
    weights.unlink()
    torch.save({}, weights.with_suffix(".bin"))
    with (
        serving("tiny/schnell", repo) as served,
        pytest.raises(NotReady, match=r"tiny/schnell has pickled weights only \(vae\)"),
    ):
        fetch(Shelf(tmp_path / "cache", served.url))
    assert served.bytes_sent == {}


def test_a_repository_with_a_part_missing_is_named(tmp_path: Path):
    repo = save_flux1(tmp_path / "repo", guided=False)
    (repo / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    with serving("tiny/schnell", repo) as served, pytest.raises(NotReady, match=r"lacks vae/\*\.safetensors"):
        fetch(Shelf(tmp_path / "cache", served.url))


# --- disks and damage -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SmallDisk(Shelf):
    def free_bytes(self) -> int:
        return 500_100_000


def test_a_disk_without_room_is_a_sentence_before_anything_is_downloaded(served: Hub, shelf: Shelf):
    small = SmallDisk(shelf.cache, shelf.endpoint)
    with pytest.raises(StorageFailed, match=r"Not enough disk for Tiny schnell: .* GB have to be downloaded"):
        fetch(small)
    assert served.bytes_sent == {}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_disk_that_fills_up_on_the_way_is_a_sentence(served: Hub, shelf: Shelf):
    blobs = shelf.folder("tiny/schnell") / "blobs"
    blobs.mkdir(parents=True)
    full = blobs / f"{served.sha256(needed(served)[0])}.diorama.incomplete"
    full.symlink_to("/dev/full")
    with pytest.raises(StorageFailed, match=r"The disk of .* is full\. Free some space"):
        fetch(shelf)
    full.unlink()
    assert missing(fetch(shelf)) == []


def test_a_folder_that_may_not_be_written_is_a_sentence(shelf: Shelf, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed, match="cannot be kept in"):
        fetch(replace(shelf, cache=tmp_path / "file" / "cache"))


def test_a_damaged_file_is_fetched_again(served: Hub, shelf: Shelf):
    served.damages = 1
    folder = fetch(shelf)
    assert all(served.sha256(path) == (folder / path).resolve().name for path in needed(served))


def test_a_file_that_stays_damaged_never_gets_its_name(served: Hub, shelf: Shelf):
    served.damages = 10**6
    with pytest.raises(NotReady, match=r"arrived damaged twice .* Something between .* changes it"):
        fetch(shelf)
    assert [
        path for path in shelf.folder("tiny/schnell").glob("blobs/*") if len(path.name) == 64 and _large(path)
    ] == []
    served.damages = 0
    assert missing(fetch(shelf)) == []


def _large(path: Path) -> bool:
    return path.stat().st_size > 30_000


def test_a_flipped_byte_is_noticed_and_only_that_file_comes_again(served: Hub, shelf: Shelf):
    folder = fetch(shelf)
    path = needed(served)[0]
    blob = (folder / path).resolve()
    content = blob.read_bytes()
    blob.write_bytes(content[:500] + bytes([content[500] ^ 1]) + content[501:])
    os.utime(blob, ns=(1, 1))
    served.bytes_sent.clear()
    assert fetch(shelf) == folder
    assert served.bytes_sent == {path: len(content)}
    assert (folder / path).read_bytes() == content


def test_damage_without_a_network_is_told_and_not_opened(served: Hub, shelf: Shelf):
    folder = fetch(shelf)
    blob = (folder / needed(served)[0]).resolve()
    blob.write_bytes(blob.read_bytes()[:-1])
    with pytest.raises(NotReady, match="cannot be reached"):
        fetch(replace(shelf, endpoint="http://127.0.0.1:9"))
    assert missing(folder) != []
