"""What the column says of a model that has to be downloaded, before and after its first picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest

from studio.contract import Readiness
from studio.service import Studio
from tests.ui.painter import Brush, catalog
from ui.generate import on_generate, on_model, on_seed
from ui.shared.model_texts import about, known_of

SEED = cast(gr.EventData, SimpleNamespace(seed=7))


@pytest.mark.parametrize(("gb", "said"), [(16.4, "16 GB"), (1.0, "1 GB"), (0.3, "300 MB")])
def test_a_download_is_announced_with_its_size(gb: float, said: str):
    far = replace(catalog(Brush())[-1], readiness=lambda: Readiness(True, "to come", download_gb=gb))
    assert known_of(far) == about(far) == f"Comes from afar. The first picture downloads {said}, once."


def test_why_a_model_cannot_be_used_is_said_by_the_note_and_not_under_it_too():
    big = next(spec for spec in catalog(Brush()) if spec.id == "big")
    assert known_of(big) == "Paints anything."
    assert about(big) == "Paints anything. Big painter needs a GPU with 13 GB."


def test_after_the_first_picture_no_download_is_announced_any_more(tmp_path: Path):
    now = [Readiness(True, "4 GB download", download_gb=4.0)]
    far = replace(catalog(Brush())[-1], readiness=lambda: now[0])
    studio = Studio([far], tmp_path)
    told: dict[str, Any] = on_seed(studio, "ada", SEED, "far")["model"]
    assert "downloads 4 GB" in told["info"]
    now[0] = Readiness(True, "ready")
    told = on_seed(studio, "ada", SEED, "far")["model"]
    assert (told["info"], told["choices"]) == ("Comes from afar.", [("Far painter · ready", "far")])
    studio.close()


def test_a_model_that_comes_along_is_not_told_again(tmp_path: Path):
    studio = Studio(catalog(Brush()), tmp_path)
    told: dict[str, Any] = on_seed(studio, "ada", SEED, "toy")["model"]
    assert "info" not in told
    assert "choices" not in told
    studio.close()


# --- whoever presses before the column shows the model that was chosen ------------------------------------------------

COLUMN = {
    "prompt": "a red ball",
    "model": "far",
    "shape": "1:1",
    "size": "128 x 128",
    "width": 128,
    "height": 128,
    "count": 2,
    "seed": 5,
    "steps": 8,
    "guidance": 0,
    "negative_prompt": "",
    "style": "",
}


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    brush = Brush()
    studio = Studio(catalog(brush), tmp_path)
    brush.hold()
    yield studio
    brush.go()
    studio.close()


def test_who_presses_before_a_model_is_shown_gets_its_own_settings(studio: Studio):
    saved = {"models": {"far": {"seed": 9, "steps": 17}}}
    assert on_generate(studio, "ada", offered="toy", saved=saved, **COLUMN) == {"note": "", "price": {}}
    (job,) = studio.jobs("ada")
    assert (job.model, job.pictures) == ("far", 2)


def test_settings_that_were_shown_and_do_not_fit_are_refused(studio: Studio):
    note = on_generate(studio, "ada", offered="far", saved={}, **COLUMN)["note"]
    assert "does not make pictures of 128 x 128" in note
    assert studio.jobs("ada") == []


def test_a_model_that_is_shown_says_so_and_leaves_the_note_alone(studio: Studio):
    assert on_model(studio, "ada", "full", {}, offered="full") == {"offered": gr.skip()}
    told = on_model(studio, "ada", "full", {}, offered="toy")
    assert told["offered"] == "full"
    assert "note" not in told
