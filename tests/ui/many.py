"""Fills an outputs folder with thousands of pictures in seconds: real rows and real files, but few different bytes."""

from __future__ import annotations

import os
from pathlib import Path

from studio.contract import GenerateRequest, Size
from studio.library.annotations import Note
from studio.library.assets import insert
from studio.library.database import Database
from studio.recipe import FoundRecipe, Recipe, to_text
from studio.service import Studio
from tests.ui.painter import COLOURS, Brush, catalog

OLDEST = 1_700_000_000.0
"""Unix time of the first picture; picture i was made i seconds later."""


def fill(folder: Path, count: int, owner: str) -> list[str]:
    """Make the folder as a Studio would find it after years of use.

    Every third picture is starred, every second was made by "full", and the prompt of picture i is "a red ball 00042".

    Returns:
        The ids, oldest first.
    """
    samples = _samples(folder)
    ids = [f"{i:032x}" for i in range(1, count + 1)]
    database = Database(folder / "diorama.sqlite")
    with database.transaction() as connection:
        for i, id in enumerate(ids):
            colour = [*COLOURS][i % len(COLOURS)]
            name = f"many-{i:06d}.png"
            os.link(samples[colour][0], folder / "images" / name)
            os.link(samples[colour][1], folder / "thumbs" / f"{id}.webp")
            recipe = _recipe(id, owner, f"a {colour} ball {i:05d}", "full" if i % 2 else "toy", OLDEST + i)
            insert(
                connection,
                name,
                FoundRecipe(recipe, to_text(recipe), 128, 128),
                Note(starred=i % 3 == 0),
                deleted=False,
            )
    database.close()
    (folder / "notes.jsonl").write_text("".join(f'{{"asset": "{id}", "starred": true}}\n' for id in ids[::3]))
    return ids


def paint(studio: Studio, owner: str, prompt: str, count: int) -> None:
    """Make so many pictures, eight at a time, and wait for them."""
    jobs = [studio.generate(owner, GenerateRequest(prompt, "toy", count=8, steps=4)) for _ in range(count // 8)]
    for job in jobs:
        for _ in studio.events(owner, job.id):
            pass


def _samples(folder: Path) -> dict[str, tuple[Path, Path]]:
    """One picture of every colour with its thumbnail, made by the painter."""
    studio = Studio(catalog(Brush(0)), folder)
    made = {}
    for colour in COLOURS:
        request = GenerateRequest(f"a {colour} ball", "toy", Size(128, 128), seed=3, steps=4)
        job = studio.generate("somebody else", request)
        for _ in studio.events("somebody else", job.id):
            pass
        (id,) = studio.job("somebody else", job.id).assets
        made[colour] = (studio.path("somebody else", id), studio.thumbnail("somebody else", id))
    studio.close()
    return made


def _recipe(id: str, owner: str, prompt: str, model: str, created: float) -> Recipe:
    return Recipe(
        id=id,
        kind="image",
        owner=owner,
        task="generate",
        model=model,
        revision="1",
        prompt=prompt,
        prompt_sent=prompt,
        width=128,
        height=128,
        steps=4,
        seed=3,
        created=created,
        seconds=1.5,
        title=prompt,
    )
