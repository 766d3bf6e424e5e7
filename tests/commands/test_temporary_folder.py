"""The folder for temporary files: ours alone, and gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from commands.temporary_folder import PREFIX, temporary_folder
from studio.errors import BadRequest
from studio.library.database import FolderLock
from tests.app_process import ROOT


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("GRADIO_TEMP_DIR", raising=False)
    return tmp_path


def test_it_is_private_and_gone_afterwards(parent: Path):
    (parent / "gradio").mkdir(mode=0o500)
    with temporary_folder() as folder:
        assert folder.parent == parent
        assert folder.stat().st_mode & 0o777 == 0o700
        assert os.environ["GRADIO_TEMP_DIR"] == tempfile.gettempdir() == str(folder)
        (folder / "upload").write_bytes(b"x")
    assert [path.name for path in parent.iterdir()] == ["gradio"]
    assert tempfile.gettempdir() == str(parent)
    assert "GRADIO_TEMP_DIR" not in os.environ


def test_what_a_killed_process_left_is_removed_and_what_is_in_use_is_kept(parent: Path):
    code = (
        "import os, sys, tempfile; from commands import temporary_folder; tempfile.tempdir = sys.argv[1]\n"
        "with temporary_folder.temporary_folder() as folder: (folder / 'x').write_bytes(b'x'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(parent)], cwd=ROOT, check=False)
    (parent / f"{PREFIX}of-somebody").mkdir()  # nothing says that we made it
    (parent / "diorama-pictures").mkdir()
    assert len([*parent.glob(f"{PREFIX}*/x")]) == 1
    with temporary_folder() as first, temporary_folder() as second:
        assert first.is_dir()
        assert second.parent == first  # the first one's is the temporary folder now
        assert [*parent.glob(f"{PREFIX}*/x")] == []
    assert {path.name for path in parent.iterdir()} == {f"{PREFIX}of-somebody", "diorama-pictures"}


def test_what_another_process_removes_meanwhile_is_left_to_it(parent: Path, monkeypatch: pytest.MonkeyPatch):
    left = [parent / f"{PREFIX}{name}" for name in ("one", "two")]
    for folder in left:
        folder.mkdir()
        FolderLock(folder).release()

    def lock(folder: Path) -> FolderLock:
        for each in set(left) - {folder}:
            shutil.rmtree(each, ignore_errors=True)
        return FolderLock(folder)

    monkeypatch.setattr("commands.temporary_folder.FolderLock", lock)
    with temporary_folder() as folder:
        assert [*parent.iterdir()] == [folder]


def test_a_folder_named_by_the_shell_is_where_ours_is_made(parent: Path, monkeypatch: pytest.MonkeyPatch):
    (parent / "large").mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(parent / "large"))
    with temporary_folder() as folder:
        assert folder.parent == parent / "large"
    assert os.environ["GRADIO_TEMP_DIR"] == str(parent / "large")
    monkeypatch.setenv("GRADIO_TEMP_DIR", "/nowhere/at/all")
    with temporary_folder() as folder:
        assert folder.parent == parent


def test_no_place_at_all_is_a_sentence(parent: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere/at/all")
    with pytest.raises(BadRequest, match="no room for temporary files"), temporary_folder():
        pass
