"""The benchmark from picture to splat runs to its end with small networks, and its table has every stage."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import splat_path
from lgm.config import LGMConfig
from lgm.model import LGM
from pipelines.families.imagedream import open_imagedream
from pipelines.families.lgm_splat import Splatter
from tests.benchmarks.test_tables import table_of
from tests.lgm.reference import facts, filled
from tests.pipelines.tiny_views import save_imagedream


def test_the_renderer_is_measured_at_three_sizes(capsys: pytest.CaptureFixture[str]):
    splat_path.print_table("Renderer", splat_path.renderer(800, 1))
    assert set(table_of(capsys.readouterr().out)) == {
        "800 at 512 x 512, drawn",
        "200 at 128 x 128, drawn and differentiated",
        "50 at 64 x 64, drawn and differentiated",
    }


def test_every_stage_from_picture_to_splat_is_measured(tmp_path: Path):
    known = facts("lgm_reduced_sym")
    model = filled(LGM(LGMConfig(**known["config"])), known["weights_tag"])
    rows = splat_path.path(open_imagedream(save_imagedream(tmp_path / "tiny")), Splatter(model), 2, steps=2)
    assert [(row.name, row.count) for row in rows] == [
        ("look at it (CLIP, VAE)", 2),
        ("2 steps", 2),
        ("decode four views", 2),
        ("all of the views, with previews", 2),
        ("four views to a splat", 2),
        ("a picture to a splat, as the app runs it", 2),
    ]
