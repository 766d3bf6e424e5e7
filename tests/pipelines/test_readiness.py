"""What the list of models says beside their names, on machines of every kind, without torch or network."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pipelines import catalog
from pipelines.hub.cache import Download, HubCache, missing
from pipelines.machine import Gpu, Machine
from pipelines.plan import Precision
from studio.contract import ModelSpec, Task
from studio.model_files import ModelFiles, size_of
from studio.residents import Residents
from tests.pipelines.tiny import save_flux1

LAPTOP = Machine("Linux x86_64", 2, 24.0, ())


def with_card(gb: float, *, ram_gb: float = 64.0, free_gb: float | None = None, capability=(8, 9)) -> Machine:
    card = Gpu("a card", gb, gb - 0.6 if free_gb is None else free_gb, capability)
    return Machine("Linux x86_64", 8, ram_gb, (card,))


@dataclass(frozen=True)
class RoomyDisk(HubCache):
    def free_bytes(self) -> int:
        return 10**12


@dataclass(frozen=True)
class SmallDisk(HubCache):
    def free_bytes(self) -> int:
        return 12 * 10**9


@pytest.fixture
def hub(tmp_path: Path) -> HubCache:
    return RoomyDisk(tmp_path)


def makers(machine: Machine, hub: HubCache) -> list[ModelSpec]:
    """The models that make pictures from words alone; those that click are in test_sam."""
    specs = [spec for spec in catalog.models(machine, hub) if Task.GENERATE in spec.tasks]
    return [spec for spec in specs if not spec.control and not spec.likeness]


def labels(machine: Machine, hub: HubCache) -> dict[str, str]:
    return {spec.id: spec.readiness().label for spec in makers(machine, hub)}


def spec_of(model_id: str, machine: Machine, hub: HubCache) -> ModelSpec:
    return next(spec for spec in catalog.models(machine, hub) if spec.id == model_id)


def test_a_laptop_starts_with_the_toy_and_says_what_the_others_need(hub: HubCache):
    assert labels(LAPTOP, hub) == {
        "toy-klein": "ready",
        "flux2-klein-4b": "needs a GPU with 4 GB",
        "flux1-schnell": "needs a GPU with 4 GB",
        "flux1-dev": "needs a GPU with 4 GB",
        "toy-vqgan": "ready",
        "vqgan-imagenet-f16-16384": "needs a file from you",
        "lcm-dreamshaper-7": "4.3 GB download",
        "sd-1.5": "2.1 GB download",
        "sdxl": "needs a GPU with 4 GB",
        "sdxl-lightning": "needs a GPU with 4 GB",
    }
    hint = spec_of("flux2-klein-4b", LAPTOP, hub).readiness().hint
    assert "needs a GPU with 4 GB of memory, and is fast from 7 GB on; none that can be used was found here" in hint


def test_a_beginner_is_suggested_at_most_three_models_that_suit_the_machine(hub: HubCache):
    apple = Machine("Darwin arm64", 8, 16.0, (Gpu("Apple GPU", 16.0, 12.0, (0, 0)),))
    large = {"flux2-klein-4b": "16 GB", "sam2.1-large": "0.9 GB", "imagedream": "4.0 GB"}
    for machine, suggested in (
        (LAPTOP, {"lcm-dreamshaper-7": "4.3 GB", "sam2.1-tiny": "0.2 GB"}),
        (with_card(4), {"lcm-dreamshaper-7": "4.3 GB", "sam2.1-large": "0.9 GB"}),
        (with_card(6), large),
        (with_card(80, ram_gb=256.0), large),
        (apple, {"lcm-dreamshaper-7": "4.3 GB", "sam2.1-large": "0.9 GB", "imagedream": "4.0 GB"}),
    ):
        specs = catalog.models(machine, hub)
        files = ModelFiles(lambda specs=specs: specs, Residents(1.0), lambda _id: None, tuple)
        states = {state.spec.id: state for state in files.states()}
        found = {id: size_of(states[id]).removesuffix(" download") for id in files.suggested()}
        assert found == suggested, str(machine)
        assert all("download" in states[id].actions for id in found)


def test_a_machine_with_a_good_card_starts_with_klein(hub: HubCache):
    machine = with_card(24)
    assert [*labels(machine, replace(hub, token="hf_x"))] == [
        "flux2-klein-4b",
        "toy-klein",
        "flux1-schnell",
        "flux1-dev",
        "toy-vqgan",
        "vqgan-imagenet-f16-16384",
        "lcm-dreamshaper-7",
        "sd-1.5",
        "sdxl",
        "sdxl-lightning",
    ]
    assert labels(machine, replace(hub, token="hf_x")) == {
        "flux2-klein-4b": "16 GB download",
        "toy-klein": "ready",
        "flux1-schnell": "34 GB download",
        "flux1-dev": "34 GB download",
        "toy-vqgan": "ready",
        "vqgan-imagenet-f16-16384": "needs a file from you",
        "lcm-dreamshaper-7": "4.3 GB download",
        "sd-1.5": "2.1 GB download",
        "sdxl": "7.1 GB download",
        "sdxl-lightning": "7.1 GB download",
    }


def test_where_klein_would_be_slow_the_toy_comes_first(hub: HubCache):
    assert [*labels(with_card(5, ram_gb=16.0), hub)][:2] == ["toy-klein", "flux2-klein-4b"]
    assert spec_of("flux2-klein-4b", with_card(5, ram_gb=16.0), hub).readiness().ok
    assert [*labels(with_card(8), hub)][:2] == ["flux2-klein-4b", "toy-klein"]


def test_a_gated_model_without_a_token_says_where_the_licence_is(hub: HubCache):
    readiness = spec_of("flux1-dev", with_card(48), hub).readiness()
    assert not readiness.ok
    assert readiness.label == "gated: needs a free licence"
    assert readiness.hint == (
        "FLUX.1 dev is gated: accept the licence at https://huggingface.co/black-forest-labs/FLUX.1-dev, "
        "put HF_TOKEN=... in .env, and restart Diorama."
    )
    assert spec_of("flux2-klein-4b", with_card(48), hub).readiness().ok


@pytest.mark.parametrize(
    ("model_id", "machine", "disk", "missing", "said"),
    [
        ("toy-klein", LAPTOP, RoomyDisk, "", "Memory enough: 24 GB and no GPU | Licence Apache-2.0"),
        ("sd-1.5", LAPTOP, RoomyDisk, "", "Disk 2.1 GB to download; 1000 GB free"),
        ("flux1-dev", LAPTOP, SmallDisk, "Memory Disk Access", "gated: accept its licence once; HF_TOKEN is not set"),
        ("flux2-klein-4b", LAPTOP, RoomyDisk, "Memory", "GB; here: 24 GB and no GPU"),
        ("flux1-dev", with_card(48), RoomyDisk, "Access", "enough: 64 GB and a GPU with 48 GB"),
        ("vqgan-imagenet-f16-16384", LAPTOP, RoomyDisk, "File", "needs a file from you"),
    ],
)
def test_all_that_a_model_needs_is_told_with_what_there_is_of_it(
    tmp_path: Path, model_id: str, machine: Machine, disk: type[HubCache], missing: str, said: str
):
    needs = spec_of(model_id, machine, disk(tmp_path)).needs()
    assert [need.name for need in needs if not need.ok] == missing.split()
    assert said in " | ".join(f"{need.name} {need.text}" for need in needs)


def test_too_little_disk_is_told_before_anything_is_asked(tmp_path: Path):
    readiness = spec_of("flux1-dev", with_card(48), SmallDisk(tmp_path, token="hf_x")).readiness()
    assert (readiness.ok, readiness.label) == (False, "not enough disk: needs 34 GB")
    assert "needs 34 GB, 12 GB free in" in readiness.hint


def test_a_full_card_and_little_main_memory_are_told_as_such(hub: HubCache):
    full = spec_of("flux2-klein-4b", with_card(24, free_gb=2.0), hub).readiness()
    assert "2 of 24 GB are free" in full.hint
    little = spec_of("flux2-klein-4b", with_card(16, ram_gb=8.0), hub).readiness()
    assert little.label == "needs make extras"
    assert "run make extras" in little.hint
    with_extras = replace(with_card(16, ram_gb=9.0), can=frozenset(Precision))
    assert spec_of("flux2-klein-4b", with_extras, hub).readiness().ok
    poor = spec_of("flux2-klein-4b", with_card(24, ram_gb=6.0), hub).readiness()
    assert poor.label == "needs 8 GB memory"
    old = spec_of("flux2-klein-4b", with_card(24, capability=(6, 1)), hub).readiness()
    assert "none that can be used" in old.hint


def test_the_licence_and_the_gate_stand_in_every_entry(hub: HubCache):
    for spec in makers(LAPTOP, hub):
        assert spec.licence_url.startswith("https://")
        assert (spec.download_gb > 0) == bool(spec.page_url) == (not spec.id.startswith("toy-"))
        assert spec.gated == spec.id.startswith("flux1")
    assert "commercial" in spec_of("flux1-dev", LAPTOP, hub).licence


def test_what_a_model_does_not_honour_is_not_offered(hub: HubCache):
    offered = {spec.id: (spec.guidance is not None, spec.negative_prompt) for spec in makers(LAPTOP, hub)}
    assert offered == {
        "toy-klein": (True, True),
        "flux2-klein-4b": (False, False),
        "flux1-schnell": (False, False),
        "flux1-dev": (True, False),
        "toy-vqgan": (False, True),
        "vqgan-imagenet-f16-16384": (False, True),
        "lcm-dreamshaper-7": (True, False),
        "sd-1.5": (True, True),
        "sdxl": (True, True),
        "sdxl-lightning": (False, False),
    }
    following = [spec.id for spec in catalog.models(LAPTOP, hub) if spec.control]
    assert following == [
        *("sd-1.5-canny", "sd-1.5-depth", "sdxl-canny", "sdxl-depth", "flux1-canny-dev", "flux1-depth-dev"),
    ]
    alike = [spec.id for spec in catalog.models(LAPTOP, hub) if spec.likeness and spec.references > 1]
    assert alike == ["sd-1.5-ip-adapter", "sdxl-ip-adapter"]
    dev, schnell = spec_of("flux1-dev", LAPTOP, hub), spec_of("flux1-schnell", LAPTOP, hub)
    assert dev.steps is not None
    assert dev.guidance is not None
    assert schnell.steps is not None
    assert (dev.steps.default, dev.guidance.default, schnell.steps.default) == (28, 3.5, 4)
    assert all(side % 16 == 0 for spec in (dev, schnell) for size in spec.sizes for side in size)


def test_fast_and_precisions_are_offered_by_the_plan(hub: HubCache):
    large = replace(with_card(48), compiler=True, can=frozenset(Precision))
    for machine, model, fast, precisions in (
        (large, "flux2-klein-4b", True, ("16-bit", "fp8", "nf4")),
        (large, "sdxl", True, ("16-bit", "fp8")),
        (with_card(48), "flux2-klein-4b", False, ("16-bit", "fp8")),
        (replace(large, gpus=with_card(12).gpus), "flux1-dev", False, ("nf4", "fp8", "16-bit")),
        (LAPTOP, "toy-klein", False, ()),
    ):
        spec = spec_of(model, machine, hub)
        assert (spec.fast, spec.precisions) == (fast, precisions), (machine, model)


def test_weights_that_leave_the_card_have_main_memory_to_themselves(hub: HubCache):
    """Two models in main memory at once would be 50 GB."""
    assert spec_of("flux2-klein-4b", with_card(12), hub).gpu_gb == 12
    assert spec_of("flux2-klein-4b", with_card(24), hub).gpu_gb < 20


# --- the cache ------------------------------------------------------------------------------------------------------


def test_the_cache_is_where_the_variables_of_the_hub_say(tmp_path: Path):
    assert HubCache.here({"HF_HUB_CACHE": "/a", "HF_HOME": "/b"}).cache == Path("/a")
    assert HubCache.here({"HF_HOME": "/b"}).cache == Path("/b/hub")
    assert HubCache.here({"XDG_CACHE_HOME": "/c"}).cache == Path("/c/huggingface/hub")
    assert HubCache.here({}).cache == Path.home() / ".cache/huggingface/hub"
    mirror = HubCache.here({"HF_HOME": str(tmp_path), "HF_ENDPOINT": "https://mirror.example/"})
    assert (mirror.endpoint, mirror.host, mirror.token) == ("https://mirror.example", "mirror.example", None)
    assert HubCache.here({"HF_HOME": str(tmp_path), "HF_TOKEN": " hf_said\n"}).token == "hf_said"
    (tmp_path / "token").write_text("hf_logged_in\n")
    assert HubCache.here({"HF_HOME": str(tmp_path)}).token == "hf_logged_in"


def test_a_download_is_there_when_nothing_is_missing(tmp_path: Path):
    hub = HubCache(tmp_path)
    download = Download("tiny/one", "main", "One", gb=0.001)
    assert hub.snapshot(download) is None
    commit = "ab" * 20
    snapshot = save_flux1(hub.folder(download.repo) / "snapshots" / commit, guided=True)
    assert hub.snapshot(download) is None  # nothing says what main is
    assert hub.snapshot(replace(download, revision=commit)) == snapshot
    (hub.folder(download.repo) / "refs").mkdir()
    (hub.folder(download.repo) / "refs" / "main").write_text(commit)
    assert hub.snapshot(download) == snapshot
    for path in [each for each in snapshot.rglob("*") if each.name in ("config.json", "tokenizer.json")]:
        content = path.read_bytes()
        path.unlink()
        gone = missing(snapshot)
        path.write_bytes(content)
        assert gone == ([f"{path.parent.name}/config.json"] if path.name == "config.json" else [])


@pytest.mark.parametrize("content", ["", "[]", "{", '{"vae": 3}', '{"vae": ["diffusers", "AutoencoderKL"]}'])
def test_a_half_written_download_is_not_there(tmp_path: Path, content: str):
    (tmp_path / "model_index.json").write_text(content)
    assert missing(tmp_path) != []


def test_shards_that_an_index_lists_are_needed(tmp_path: Path):
    folder = save_flux1(tmp_path, guided=False)
    listing = folder / "transformer" / "diffusion_pytorch_model.safetensors.index.json"
    listing.write_text('{"weight_map": {"a": "diffusion_pytorch_model.safetensors", "b": "two.safetensors"}}')
    assert missing(folder) == ["transformer/two.safetensors"]
    listing.write_text("{")
    assert len(missing(folder)) == 1


def test_readiness_is_told_without_torch_and_without_the_libraries_of_the_hub():
    code = (
        "import sys; from pipelines import catalog; [spec.readiness() for spec in catalog.models()];"
        "print([name for name in ('torch', 'diffusers', 'huggingface_hub') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() == "[]"
