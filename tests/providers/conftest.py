"""A loopback provider for every test, which Hugging Face's shared session reaches as well."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.providers.clouds import CLOUDS, Cloud, hugging_face_at
from tests.providers.loopback import Provider, serving


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as one, hugging_face_at(one):
        yield one


@pytest.fixture(params=CLOUDS, ids=lambda cloud: cloud.name)
def cloud(request: pytest.FixtureRequest) -> Cloud:
    return request.param
