"""What is written into a picture comes back, and nothing hostile does."""

from __future__ import annotations

import json
import re
import tomllib
import zlib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from studio.png_chunks import MAX_TEXT_BYTES
from studio.recipe import (
    APP_VERSION,
    KEYWORD,
    Recipe,
    from_text,
    parameters,
    png_text,
    read_png,
    to_text,
)

RECIPE = Recipe(
    id="0123456789abcdef" * 2,
    kind="image",
    owner="local",
    job_id="f" * 32,
    index=1,
    task="generate",
    model="toy-klein",
    revision="r1",
    prompt="a red ball",
    prompt_sent="a pencil sketch of a red ball",
    style="sketch",
    negative_prompt="fog",
    width=8,
    height=6,
    steps=4,
    guidance=1.5,
    seed=3,
    parents=("a" * 32,),
    created=1795211351.888,
    seconds=0.412,
    title="a red ball",
)
PARTS = ("selection", "edit", "views", "splat", "render", "course", "grid")
UNSAID = (*PARTS, "precision", "fast", "control", "control_strength", "sampler")
"""What a recipe leaves out where there is nothing to say."""
"""Left out where there is nothing to say."""
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


def saved(path: Path, chunks: PngInfo) -> Path:
    Image.new("RGB", (8, 6)).save(path, pnginfo=chunks)
    return path


def with_text(text: str, compressed: bool = False) -> PngInfo:
    chunks = PngInfo()
    chunks.add_itxt(KEYWORD, text, zip=compressed)
    return chunks


def test_the_app_version_is_the_projects():
    project = tomllib.loads(Path(__file__).parents[3].joinpath("pyproject.toml").read_text())
    assert project["project"]["version"] == APP_VERSION


def test_a_recipe_comes_back_from_its_picture(tmp_path: Path):
    found = read_png(saved(tmp_path / "a.png", png_text(RECIPE)))
    assert found is not None
    assert (found.recipe, found.width, found.height) == (RECIPE, 8, 6)
    plain = {name: value for name, value in asdict(RECIPE).items() if name not in UNSAID}
    assert json.loads(found.text) == json.loads(json.dumps(plain))


def test_packed_weights_and_a_compiled_network_are_said_only_where_they_were_used(tmp_path: Path):
    assert not json.loads(to_text(RECIPE)).keys() & {"precision", "fast"}
    recipe = replace(RECIPE, precision="nf4", fast=True)
    found = read_png(saved(tmp_path / "a.png", png_text(recipe)))
    assert found is not None and found.recipe == recipe


def test_other_tools_can_read_it(tmp_path: Path):
    with Image.open(saved(tmp_path / "a.png", png_text(RECIPE))) as image:
        image.load()
        assert image.info["parameters"] == (
            "a pencil sketch of a red ball\nNegative prompt: fog\n"
            f"Steps: 4, CFG scale: 1.5, Seed: 3, Size: 8x6, Model: toy-klein, Version: Diorama {APP_VERSION}"
        )
        assert json.loads(image.info[KEYWORD])["prompt"] == "a red ball"


def test_what_was_not_used_is_not_in_the_parameters():
    text = parameters(replace(RECIPE, steps=None, guidance=None, seed=None, negative_prompt=""))
    assert not re.search("Steps|CFG|Seed|Negative", text)


@given(prompt=TEXTS, owner=TEXTS, guidance=st.none() | st.floats(allow_nan=False, allow_infinity=False))
def test_any_text_makes_the_round_trip(tmp_path: Path, prompt: str, owner: str, guidance: float | None):
    recipe = replace(RECIPE, prompt=prompt, owner=owner, title=prompt, guidance=guidance)
    assert from_text(to_text(recipe)) == recipe
    clean = prompt.replace("\0", "")  # `validation` lets no NUL through, and PNG text has none
    found = read_png(saved(tmp_path / "a.png", png_text(replace(recipe, prompt_sent=clean))))
    assert found is not None and found.recipe.prompt == prompt


def test_a_compressed_chunk_is_read(tmp_path: Path):
    found = read_png(saved(tmp_path / "a.png", with_text(to_text(RECIPE), compressed=True)))
    assert found is not None and found.recipe == RECIPE


def test_unknown_keys_of_a_newer_version_are_kept_in_the_text_only(tmp_path: Path):
    text = json.dumps(asdict(RECIPE) | {"mood": "happy"})
    found = read_png(saved(tmp_path / "a.png", with_text(text)))
    assert found is not None and found.recipe == RECIPE and found.text == text


@pytest.mark.parametrize(
    "change",
    [
        {"id": "../../etc/passwd"},
        {"id": "ABC"},
        {"id": 5},
        {"kind": "program"},
        {"owner": None},
        {"prompt": 5},
        {"title": "\ud800"},
        {"index": -1},
        {"index": 8},
        {"index": True},
        {"width": "8"},
        {"seed": 2**64},
        {"sha256": "x"},
        {"source": 5},
        {"precision": 4},
        {"fast": "yes"},
        {"seed": -1},
        {"seed": 1.5},
        {"guidance": "4"},
        {"steps": 10**400},
        {"created": None},
        {"created": True},
        {"seconds": "1"},
        {"parents": "a"},
        {"parents": ["../x"]},
        {"parents": [[]]},
    ],
)
def test_a_recipe_with_a_wrong_value_is_none(change: dict[str, Any]):
    assert from_text(json.dumps(asdict(RECIPE) | change)) is None


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "5", "{}", '{"id": NaN}', "{", "[" * 100_000, '"\\ud800"', '{"id": 1e999}', "1" * 5_000],
)
def test_wrong_json_is_no_recipe(text: str):
    assert from_text(text) is None


def test_infinities_are_no_numbers():
    assert from_text(to_text(RECIPE).replace("1.5", "1e999")) is None
    assert from_text(to_text(RECIPE).replace("1.5", "NaN")) is None


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path):
    bomb = with_text(" " * (MAX_TEXT_BYTES * 20) + to_text(RECIPE), compressed=True)
    assert read_png(saved(tmp_path / "a.png", bomb)) is None


def test_an_enormous_chunk_is_not_read(tmp_path: Path):
    assert read_png(saved(tmp_path / "a.png", with_text(" " * (MAX_TEXT_BYTES + 1) + to_text(RECIPE)))) is None


def test_a_flipped_bit_is_noticed(tmp_path: Path):
    path = saved(tmp_path / "a.png", png_text(RECIPE))
    path.write_bytes(path.read_bytes().replace(b"a red ball", b"a rad ball"))
    assert read_png(path) is None


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 400))
def test_no_damage_to_a_file_raises(tmp_path: Path, noise: bytes, start: int, length: int):
    path = saved(tmp_path / "a.png", png_text(RECIPE))
    whole = path.read_bytes()
    path.write_bytes(whole[:start] + noise + whole[start + length :])
    found = read_png(path)
    assert found is None or found.recipe == RECIPE


@given(st.binary(max_size=100))
def test_no_chunk_with_our_keyword_raises(tmp_path: Path, body: bytes):
    body = KEYWORD.encode() + b"\0" + body
    chunk = len(body).to_bytes(4, "big") + b"iTXt" + body + zlib.crc32(b"iTXt" + body).to_bytes(4, "big")
    path = saved(tmp_path / "a.png", PngInfo())
    whole = path.read_bytes()
    path.write_bytes(whole[:33] + chunk + whole[33:])  # after the signature and IHDR
    assert read_png(path) is None
