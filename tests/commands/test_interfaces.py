"""Gradio writes interfaces for editors unless it is told that there is no place for them."""

from __future__ import annotations

import importlib.util
import inspect
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from commands.environment import without_interfaces

OWN = "import gradio as gr\n\n\nclass Own(gr.HTML):\n    EVENTS = ['change']\n"


@pytest.mark.parametrize(("around", "is_written"), [(without_interfaces(), False), (nullcontext(), True)])
def test_no_interface_is_written(around: AbstractContextManager[None], is_written: bool, tmp_path: Path):
    (tmp_path / "own.py").write_text(OWN)
    spec = importlib.util.spec_from_file_location("own", tmp_path / "own.py")
    assert spec and spec.loader
    own = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch, around:
        patch.setitem(__import__("sys").modules, "own", own)
        spec.loader.exec_module(own)
    assert (tmp_path / "own.pyi").exists() == is_written
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, "own", own)
        assert inspect.getfile(own.Own) == str(tmp_path / "own.py")
