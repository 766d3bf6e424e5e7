"""Loading SAM says nothing in the terminal about how its package is written."""

from __future__ import annotations

import warnings

from pipelines.families.sam import open_folder
from toybox.sam.model import FOLDER


def test_no_warning_of_torch_reaches_the_person():
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        open_folder(FOLDER).close()
    assert [str(each.message) for each in heard if each.category is FutureWarning] == []
