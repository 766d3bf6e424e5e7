"""A studio with fake models of 3D, and an object for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from studio.service import Studio
from tests.studio.conftest import OpenStudio
from tests.studio.turning_fake import FakeSplats, FakeViews, disc_png, turning_specs


@pytest.fixture
def views() -> FakeViews:
    return FakeViews()


@pytest.fixture
def splats() -> FakeSplats:
    return FakeSplats(300)


@pytest.fixture
def studio(open_studio: OpenStudio, views: FakeViews, splats: FakeSplats) -> Iterator[Studio]:
    yield open_studio(*turning_specs(views, splats))
    views.let_go()
    splats.let_go()


@pytest.fixture
def disc(studio: Studio) -> str:
    return studio.take_in("local", disc_png(), "red disc.png").id
