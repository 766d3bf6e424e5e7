"""A LoRA that is named by its id comes from a Hub on this machine, checked, into the folder of LoRAs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from pipelines.hub.cache import HubCache
from pipelines.loras.files import fitting, named_in
from pipelines.loras.from_hub import bring
from pipelines.loras.kinds import Made
from studio.errors import BadRequest, NotReady
from tests.pipelines.conftest import ignore
from tests.pipelines.loopback_hub import serving

ROOT = Path(__file__).parents[3]
KEY = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight"


def save(path: Path, wide: int = 768, key: str = KEY, **about: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: np.ones((4, wide), np.float32)}, path, about)


def test_its_id_is_enough_where_there_is_one_file(tmp_path: Path):
    save(tmp_path / "repo" / "pytorch_lora_weights.safetensors", ss_trigger_words="pixelart style")
    (tmp_path / "repo" / "README.md").write_text("A look.")
    environment = os.environ | {"HF_HOME": str(tmp_path / "home"), "DIORAMA_LORAS": str(tmp_path / "loras")}
    with serving("someone/pixel-art", tmp_path / "repo") as hub:
        command = [sys.executable, "cli.py", "lora", "someone/pixel-art"]
        environment |= {"HF_ENDPOINT": hub.url}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (
            0,
            "<lora:pixel-art:0.8> for Stable Diffusion 1.5; it answers to: pixelart style\n",
        ), done.stderr
        asked = len(hub.large()), sum("resolve" in each for each in hub.asked)
        again = subprocess.run(
            [*command, "--json"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        assert json.loads(again.stdout)["name"] == "pixel-art"
        assert (len(hub.large()), sum("resolve" in each for each in hub.asked)) == asked
    assert fitting(Made("Stable Diffusion 1.5"), tmp_path / "loras") == ("pixel-art",)
    assert named_in("a fox <lora:pixel-art>", tmp_path / "loras")[0] == "a fox"


@pytest.mark.parametrize(
    "form", ["{repo}/{file}", "{url}/{repo}/blob/main/{file}", "https://hf.co/{repo}/resolve/main/{file}"]
)
def test_one_of_several_files_is_named(tmp_path: Path, form: str):
    for name, wide in (("small", 768), ("styles/large", 2048)):
        save(tmp_path / "repo" / f"{name}.safetensors", wide)
    with serving("someone/looks", tmp_path / "repo") as hub:
        there = HubCache(tmp_path / "hub", hub.url)
        with pytest.raises(BadRequest, match=r"files: small\.safetensors, styles/large\.safetensors\. Name one"):
            bring("someone/looks", there, tmp_path / "loras", ignore)
        named = form.format(url=hub.url, repo="someone/looks", file="styles/large.safetensors")
        assert bring(named, there, tmp_path / "loras", ignore) == tmp_path / "loras" / "large.safetensors"
    assert fitting(Made("SDXL"), tmp_path / "loras") == ("large",)


@pytest.mark.parametrize(
    ("id", "said"),
    [
        ("pixel-art", "is not a repository of the Hub"),
        ("../../etc/passwd", "is not a repository of the Hub"),
        ("a/b/../../c.safetensors", r"lacks|no a/b"),
        ("someone/gone", r"someone/gone"),
    ],
)
def test_what_is_not_there_is_a_sentence(tmp_path: Path, id: str, said: str):
    save(tmp_path / "repo" / "a.safetensors")
    with serving("someone/looks", tmp_path / "repo") as hub, pytest.raises((BadRequest, NotReady), match=said):
        bring(id, HubCache(tmp_path / "hub", hub.url), tmp_path / "loras", ignore)
    assert not (tmp_path / "loras").exists()


def test_what_is_no_lora_or_takes_anothers_name_is_not_put_there(tmp_path: Path):
    save(tmp_path / "repo" / "a.safetensors", key="weight")
    save(tmp_path / "repo" / "b.safetensors")
    save(tmp_path / "loras" / "b.safetensors", 2048)
    with serving("someone/looks", tmp_path / "repo") as hub:
        there = HubCache(tmp_path / "hub", hub.url)
        with pytest.raises(BadRequest, match="not a known kind of LoRA"):
            bring("someone/looks/a.safetensors", there, tmp_path / "loras", ignore)
        with pytest.raises(BadRequest, match=r"another b\.safetensors in the folder loras"):
            bring("someone/looks/b.safetensors", there, tmp_path / "loras", ignore)
    assert [path.name for path in (tmp_path / "loras").iterdir()] == ["b.safetensors"]


def test_a_prompt_that_names_one_says_how_it_comes(tmp_path: Path):
    with pytest.raises(BadRequest, match=r"python cli\.py lora someone/pixel-art downloads it"):
        named_in("a fox <lora:someone/pixel-art:0.8>", tmp_path)
