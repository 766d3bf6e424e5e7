"""What the column says of a model that has to be downloaded, before and after its first picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest

from studio.contract import Readiness
from studio.service import Studio
from tests.ui.painter import Brush, catalog
from ui.controls import about
from ui.generate import on_seed

SEED = cast(gr.EventData, SimpleNamespace(seed=7))


@pytest.mark.parametrize(("gb", "said"), [(16.4, "16 GB"), (1.0, "1 GB"), (0.3, "300 MB")])
def test_a_download_is_announced_with_its_size(gb: float, said: str):
    far = replace(catalog(Brush())[-1], readiness=lambda: Readiness(True, "to come", download_gb=gb))
    assert about(far) == f"Comes from afar. The first picture downloads {said}, once."


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
