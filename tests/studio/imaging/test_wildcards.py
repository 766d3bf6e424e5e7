"""Choices in prompts: made by the seed, from braces and from files, and never without an end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from studio.contract import GenerateRequest
from studio.errors import BadRequest
from studio.imaging.wildcards import FOLDER, chosen
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import OWNER, finished


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / FOLDER
    (folder / "sky").mkdir(parents=True)
    (folder / "animal.txt").write_text("# animals\nfox\n\nowl  # by night\n", "utf-8")
    (folder / "sky/time.txt").write_bytes("\ufeffat dawn\r\nat {dusk|night}\r\n".encode())
    (folder / "endless.txt").write_text("a __endless__ __endless__")
    (folder / "empty.txt").write_text("\n# nothing\n")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "loop.txt").symlink_to(folder / "loop.txt")
    (folder / "long.txt").write_text("a" * 10_001)
    (folder / "odd.txt").write_text("a\x00 \x1bball")
    os.mkfifo(folder / "pipe.txt")
    return folder


@pytest.mark.parametrize(
    ("prompt", "all_of_them"),
    [
        ("a red ball", {"a red ball"}),
        ("a {red|blue} ball", {"a red ball", "a blue ball"}),
        ("a {red | {dark|light} blue} ball", {"a red ball", "a dark blue ball", "a light blue ball"}),
        ("a ball{| on sand}", {"a ball", "a ball on sand"}),
        ("an __animal__ __sky/time__", {f"an {a} at {t}" for a in ("fox", "owl") for t in ("dawn", "dusk", "night")}),
        ('{"scene": "a fox", "mood": {"light": "soft"}}', {'{"scene": "a fox", "mood": {"light": "soft"}}'}),
        ("snake_case and __init", {"snake_case and __init"}),
        ("an __odd__", {"an a ball"}),
    ],
    ids=["none", "two", "within each other", "nothing", "files", "JSON", "underscores", "control characters"],
)
def test_seeds_choose_among_all_of_them(folder: Path, prompt: str, all_of_them: set[str]):
    assert {chosen(prompt, seed, folder) for seed in range(100)} == all_of_them
    assert chosen(prompt, 7, folder) == chosen(prompt, 7, folder)


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("a __dragon__", "There is no file dragon.txt"),
        ("a __link__", "There is no file link.txt in [^/]*/wildcards:"),
        ("a __loop__", "There is no file loop.txt"),
        ("a __pipe__", "There is no file pipe.txt"),
        ("a __long__", "prompt with its choices has 10,003 characters"),
        ("a __empty__", "^wildcards/empty.txt is empty"),
        ("a __endless__", "200 choices"),
        ("{|}", "The choices leave the prompt empty"),
    ],
)
def test_what_cannot_be_chosen_is_said(folder: Path, prompt: str, sentence: str):
    with pytest.raises(BadRequest, match=sentence):
        chosen(prompt, 1, folder)


def test_a_brace_that_is_never_closed_is_read_once(folder: Path):
    """It took minutes of 10,000 characters, and this would take hours."""
    prompt = "{" + "|" * 1_000_000
    assert chosen(prompt, 1, folder) == prompt


def test_each_picture_of_a_job_chooses_anew_and_its_recipe_says_what(open_studio: OpenStudio, tmp_path: Path):
    studio = open_studio()
    job = finished(studio, studio.generate(OWNER, GenerateRequest("a {red|blue} {ball|cone|cube}", seed=1, count=6)))
    made = [studio.asset(OWNER, id) for id in job.assets]
    assert len({asset.title for asset in made}) > 1 and job.title == "a {red|blue} {ball|cone|cube}"
    assert all(asset.recipe.prompt == asset.recipe.prompt_sent == asset.title for asset in made)
    again = finished(studio, studio.generate(OWNER, GenerateRequest("a {red|blue} {ball|cone|cube}", seed=4)))
    assert studio.asset(OWNER, again.assets[0]).title == made[3].title
    with pytest.raises(BadRequest, match=r"no file dragon\.txt"):
        studio.generate(OWNER, GenerateRequest("a __dragon__"))
