"""Errors as HTTP statuses: one table for our page and for programs."""

from __future__ import annotations

import pytest

from studio.errors import NotReady, StorageFailed, StudioError, TooManyJobs, TooOften
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
