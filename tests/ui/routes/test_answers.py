"""Errors as HTTP statuses: one table for our page and for programs."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from studio.errors import NotReady, StorageFailed, StudioError, TooManyJobs, TooOften
from studio.service import Studio
from studio.splats.formats.ply import write_ply
from tests.studio.turning_fake import ball, disc_png
from ui.programs import failures
from ui.routes import answers


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (TooManyJobs(32), 429),
        (TooOften(2), 429),
        (StorageFailed("The disk is full."), 507),
        (NotReady("It needs a GPU."), 400),
    ],
)
def test_the_page_and_programs_get_the_same_status(error: StudioError, status: int):
    assert (answers.status_of(error), failures.status_of(error)) == (status, status)


@pytest.mark.parametrize("path", ["splat/{}", "splat/{}?format=ply", "splat/{}?format=spz", "crop/{}", "cutout/{}"])
def test_what_moves_to_the_trash_between_two_looks_is_not_found(
    address: str, studio: Studio, monkeypatch: pytest.MonkeyPatch, path: str
):
    if "splat" in path:
        asset = studio.splats.take_in("ada", write_ply(ball(50)), f"{path}.ply")
    else:
        asset = studio.take_in("ada", disc_png(), "disc.png")
    find = studio._store.path

    def lose(owner: str, asset_id: str) -> Path:
        found = find(owner, asset_id)
        studio.delete(owner, [asset_id])
        return found

    with monkeypatch.context() as patched:
        patched.setattr(studio._store, "path", lose)
        answer = httpx.get(f"{address}diorama/{path.format(asset.id)}", headers={"X-Diorama-Token": "ada"})
    assert (answer.status_code, answer.json()["error"][-1]) == (404, ".")
    studio.restore("ada", [asset.id])
    assert httpx.get(f"{address}diorama/thumb/{asset.id}", headers={"X-Diorama-Token": "ada"}).status_code == 200
