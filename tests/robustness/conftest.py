"""One app for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.robustness.site import Site, opened


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with opened(tmp_path_factory.mktemp("outputs")) as site:
        yield site
