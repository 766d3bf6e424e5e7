"""Larger pictures."""

from __future__ import annotations

from pipelines.local_model import LocalModel
from pipelines.plan import Whole
from pipelines.records.common import APACHE
from studio.contract import Task

SPAN = LocalModel(
    id="span",
    label="SPAN",
    family="span",
    needs=Whole(),
    licence="Apache-2.0",
    licence_url=APACHE,
    about="Enlarges clean pictures 2 or 4 times, in a second without a GPU.",
    tasks=frozenset({Task.UPSCALE}),
    scales=(2, 4),
    seed=False,
)
