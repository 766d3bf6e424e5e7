"""A studio in an empty folder, closed when the test is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.service import Studio
from tests.studio.fakes import FakeModel, spec_of

OpenStudio = Callable[..., Studio]


@pytest.fixture
def open_studio(tmp_path: Path) -> Iterator[OpenStudio]:
    """`open_studio(model, ...)`: a studio with these models (or specs); the same folder every time."""
    opened: list[Studio] = []

    def open_one(*models: Any, outputs: Path | None = None, **options: Any) -> Studio:
        specs = [
            spec_of(model, "fake" if index == 0 else f"fake-{index}") if isinstance(model, FakeModel) else model
            for index, model in enumerate(models or (FakeModel(),))
        ]
        opened.append(Studio(specs, outputs or tmp_path / "outputs", **options))
        return opened[-1]

    yield open_one
    for studio in opened:
        studio.close()


@pytest.fixture
def model(open_studio: OpenStudio) -> Iterator[FakeModel]:
    """A model that waits at a gate before every step; let go before its studio closes."""
    model = FakeModel()
    model.gated = True
    yield model
    model.let_go()


@pytest.fixture
def studio(open_studio: OpenStudio) -> Studio:
    return open_studio()
