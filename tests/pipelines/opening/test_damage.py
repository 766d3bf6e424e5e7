"""What visitors read of weights that cannot be opened."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.torch import load_file

from pipelines.opening.damage import opening, reason
from studio.errors import NotReady
from studio.validation import short


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "[Errno 13] Permission denied: '/home/ann lee/x/a.safetensors'",
            "[Errno 13] Permission denied: 'a.safetensors'",
        ),
        ("no file a.bin in directory /srv/models/sd.", "no file a.bin in directory sd."),
        ("see https://huggingface.co/docs/hub for and/or", "see https://huggingface.co/docs/hub for and/or"),
        ("one\n  two", "one two"),
    ],
)
def test_libraries_do_not_say_where_the_host_keeps_its_files(said: str, told: str):
    assert reason(ValueError(said)) == told


def test_sentences_name_the_last_folder_and_the_file(tmp_path: Path):
    path = tmp_path / "checkpoints" / "a.safetensors"
    with pytest.raises(NotReady) as caught, opening(f"Mine in {short(path)}"):
        load_file(path)
    assert "Mine in checkpoints/a.safetensors" in str(caught.value) and str(tmp_path) not in str(caught.value)
