"""A full disk for temporary files, and a folder of them that grows: real HTTP, and a real disk where it may be made."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import httpx
import pytest
from starlette.middleware import Middleware

from tests.ports import free_port
from ui import guard
from ui.guard.disk_space import KEPT_SECONDS, Room, disk_full, make_room
from ui.guard.starting import WITHOUT_LOOKING

FORM = {"files": ("x.png", os.urandom(3_000_000))}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=False)
    if mounted.returncode:
        pytest.skip("only root may make a disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("has_room_checked", [True, False], ids=["foreseen", "met"])
def test_a_full_disk_is_a_sentence_and_the_next_request_works(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, has_room_checked: bool
):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(small_disk))
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    protection = guard.app_options(local_only=True)
    protection["exception_handlers"] = {**protection["exception_handlers"], OSError: disk_full}
    if has_room_checked:
        protection["middleware"].append(Middleware(Room, folder=small_disk))
    with gr.Blocks(analytics_enabled=False) as demo:
        gr.Textbox()
    try:
        _, url, _ = demo.launch(
            prevent_thread_lock=True,
            quiet=True,
            server_port=free_port(),
            share=False,
            app_kwargs=protection,
            **WITHOUT_LOOKING,
        )
        with httpx.Client(base_url=url) as client:
            answer = client.post("/gradio_api/upload", files=FORM)
            assert answer.status_code == 507
            assert answer.json()["error"].endswith("disk for temporary files is full. Free some space, then try again.")
            assert client.get("/").status_code == 200
            left = [path for path in small_disk.rglob("*") if path.is_file()]
            if has_room_checked:
                assert left == []
                assert client.post("/gradio_api/upload", files={"files": ("x.png", b"x")}).status_code == 200
    finally:
        demo.close()
    assert "Traceback" not in caplog.text


def test_the_oldest_uploads_leave_a_folder_that_holds_too_much(tmp_path: Path):
    now = time.time()
    for number, age in enumerate((3, 2, 1, 0)):
        upload = tmp_path / str(number) / "x.png"
        upload.parent.mkdir()
        upload.write_bytes(b"x" * 100)
        os.utime(upload, (now - age * KEPT_SECONDS - 1,) * 2)
    (tmp_path / "lock.sqlite").write_bytes(b"x" * 1_000)
    assert make_room(tmp_path, most_bytes=250)
    assert [path.parent.name for path in sorted(tmp_path.glob("*/x.png"))] == ["2", "3"]
    assert not make_room(tmp_path, most_bytes=50)  # the newest is on its way
    assert [path.parent.name for path in tmp_path.glob("*/x.png")] == ["3"]
    assert (tmp_path / "lock.sqlite").exists()
