"""What a Hub can refuse, and what a disk or a line can do to a download: one sentence each, and nothing half-opened."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from pipelines.hub.cache import HubCache, missing
from studio.errors import NotReady, StorageFailed
from tests.pipelines.conftest import DOWNLOAD, fetch, needed
from tests.pipelines.loopback_hub import COMMIT, Hub, serving
from tests.pipelines.tiny import save_flux1

# --- gates and other refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        (None, r"is gated: accept the licence at http://\S+/tiny/schnell, put HF_TOKEN=\.\.\. in \.env"),
        ("hf_without_access", r"has no access yet: accept the licence at http://\S+/tiny/schnell"),
        ("expired_token", r"does not accept the HF_TOKEN in use\. Make a new one at http://\S+/settings/tokens"),
    ],
)
def test_a_gate_is_a_sentence_that_says_what_to_do(served: Hub, hub: HubCache, token: str | None, sentence: str):
    served.gate = "hf_right"
    with pytest.raises(NotReady, match=sentence) as refused:
        fetch(replace(hub, token=token))
    assert token is None or token not in str(refused.value)
    assert fetch(replace(hub, token="hf_right")).is_dir()


def test_a_token_is_sent_to_the_hub_and_never_elsewhere(served: Hub, hub: HubCache):
    served.gate = "hf_right"
    folder = fetch(replace(hub, token="hf_right"))
    assert "hf_right" not in repr(replace(hub, token="hf_right"))
    kept = [path for path in hub.cache.rglob("*") if path.is_file()]
    assert not any(b"hf_right" in path.read_bytes() for path in kept)
    assert folder.name == COMMIT
    assert served.bytes_sent
    assert served.tokens_elsewhere == []


def test_no_network_is_a_sentence(hub: HubCache):
    with pytest.raises(
        NotReady, match=r"Tiny schnell has to be downloaded first, and 127\.0\.0\.1:9 cannot be reached"
    ):
        fetch(replace(hub, endpoint="http://127.0.0.1:9"))


def test_a_busy_hub_is_asked_again_and_then_named(served: Hub, hub: HubCache):
    served.busy = 10**6
    with pytest.raises(NotReady, match="503"):
        fetch(hub)
    served.busy = 0
    assert fetch(hub).is_dir()


def test_a_repository_that_is_not_there_is_named(hub: HubCache):
    with pytest.raises(NotReady, match=r"There is no tiny/gone at revision main"):
        fetch(hub, download=replace(DOWNLOAD, repo="tiny/gone"))


def test_pickled_weights_are_refused_before_they_are_downloaded(tmp_path: Path):
    repo = save_flux1(tmp_path / "repo", guided=False)
    weights = repo / "vae" / "diffusion_pytorch_model.safetensors"
    weights.unlink()
    torch.save({}, weights.with_suffix(".bin"))
    with (
        serving("tiny/schnell", repo) as served,
        pytest.raises(NotReady, match=r"tiny/schnell has pickled weights only \(vae\)"),
    ):
        fetch(HubCache(tmp_path / "cache", served.url))
    assert served.bytes_sent == {}


def test_a_repository_with_a_part_missing_is_named(tmp_path: Path):
    repo = save_flux1(tmp_path / "repo", guided=False)
    (repo / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    with serving("tiny/schnell", repo) as served, pytest.raises(NotReady, match=r"lacks vae/\*\.safetensors"):
        fetch(HubCache(tmp_path / "cache", served.url))


# --- disks and damage -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SmallDisk(HubCache):
    def free_bytes(self) -> int:
        return 500_100_000


def test_a_disk_without_room_is_a_sentence_before_anything_is_downloaded(served: Hub, hub: HubCache):
    small = SmallDisk(hub.cache, hub.endpoint)
    with pytest.raises(StorageFailed, match=r"Not enough disk for Tiny schnell: .* GB have to be downloaded"):
        fetch(small)
    assert served.bytes_sent == {}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_disk_that_fills_up_on_the_way_is_a_sentence(served: Hub, hub: HubCache):
    blobs = hub.folder("tiny/schnell") / "blobs"
    blobs.mkdir(parents=True)
    full = blobs / f"{served.sha256(needed(served)[0])}.diorama.incomplete"
    full.symlink_to("/dev/full")
    with pytest.raises(StorageFailed, match=r"The disk of .* is full\. Free some space"):
        fetch(hub)
    full.unlink()
    assert missing(fetch(hub)) == []


def test_a_folder_that_may_not_be_written_is_a_sentence(hub: HubCache, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed, match="cannot be kept in"):
        fetch(replace(hub, cache=tmp_path / "file" / "cache"))


def test_a_damaged_file_is_fetched_again(served: Hub, hub: HubCache):
    served.damages = 1
    folder = fetch(hub)
    assert all(served.sha256(path) == (folder / path).resolve().name for path in needed(served))


@pytest.mark.parametrize(
    ("instead", "sentence"),
    [
        (
            b"<!DOCTYPE html><title>Sign in</title>",
            r"but a web page, as a proxy or a sign-in answers\. Something between",
        ),
        (b"sign in", r"cannot be reached\. Check the network"),
    ],
)
def test_an_answer_that_is_not_the_file_ends_a_download_and_what_came_is_kept(
    served: Hub, hub: HubCache, instead: bytes, sentence: str
):
    served.cuts = 10**6
    with pytest.raises(NotReady):
        fetch(hub)
    kept = hub.started_bytes(DOWNLOAD)
    served.instead = instead
    with pytest.raises(NotReady, match=sentence):
        fetch(hub)
    assert hub.started_bytes(DOWNLOAD) == kept > 0


def test_a_file_that_stays_damaged_never_gets_its_name(served: Hub, hub: HubCache):
    served.damages = 10**6
    with pytest.raises(NotReady, match=r"arrived damaged twice .* Something between .* alters it"):
        fetch(hub)
    assert [path for path in hub.folder("tiny/schnell").glob("blobs/*") if len(path.name) == 64 and _large(path)] == []
    served.damages = 0
    assert missing(fetch(hub)) == []


def _large(path: Path) -> bool:
    return path.stat().st_size > 30_000


def test_a_flipped_byte_is_noticed_and_only_that_file_comes_again(served: Hub, hub: HubCache):
    folder = fetch(hub)
    path = needed(served)[0]
    blob = (folder / path).resolve()
    content = blob.read_bytes()
    blob.write_bytes(content[:500] + bytes([content[500] ^ 1]) + content[501:])
    os.utime(blob, ns=(1, 1))
    served.bytes_sent.clear()
    assert fetch(hub) == folder
    assert served.bytes_sent == {path: len(content)}
    assert (folder / path).read_bytes() == content


def test_damage_without_a_network_is_told_and_not_opened(served: Hub, hub: HubCache):
    folder = fetch(hub)
    blob = (folder / needed(served)[0]).resolve()
    blob.write_bytes(blob.read_bytes()[:-1])
    with pytest.raises(NotReady, match="cannot be reached"):
        fetch(replace(hub, endpoint="http://127.0.0.1:9"))
    assert missing(folder) != []
