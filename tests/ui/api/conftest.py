"""The page of a file's own studio, and who asks it. Each file has its `studio`."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from gradio_client import Client

from studio.service import Studio
from tests.patience import PATIENCE_SECONDS
from tests.studio.turning_fake import disc_png
from tests.ui.serve import everybody_by_token, served

TOKEN, OTHER = "a" * 16, "b" * 16


@pytest.fixture(scope="module")
def url(studio: Studio) -> Iterator[str]:
    with served(studio, everybody_by_token) as address:
        yield address


@pytest.fixture(scope="module")
def disc(studio: Studio) -> str:
    """A picture with nothing behind its disc is an object as it is."""
    return studio.take_in(TOKEN, disc_png(), "a red disc.png").id


@pytest.fixture(scope="module")
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=PATIENCE_SECONDS, headers={"X-Diorama-Token": TOKEN}) as client:
        yield client


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[Client]:
    opened = Client(url, verbose=False, download_files=False)
    yield opened
    opened.close()
