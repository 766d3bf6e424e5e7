"""What Chromium shows is right: every picture it shows whole is taken, and has the same pixels."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser

from studio.errors import BadPicture
from studio.intake.picture import read_picture
from tests.patience import settled
from tests.studio import coloured, wrapped

SHOWN = """async (files) => {
  const shown = {};
  for (const [name, data] of Object.entries(files)) {
    const picture = new Image(), canvas = document.createElement("canvas");
    picture.src = data;
    try { await picture.decode(); } catch { shown[name] = null; continue; }
    canvas.width = picture.naturalWidth;
    canvas.height = picture.naturalHeight;
    canvas.getContext("2d", { willReadFrequently: true }).drawImage(picture, 0, 0);
    shown[name] = canvas.toDataURL("image/png");
  }
  return shown;
}"""


@pytest.fixture(scope="module")
def shown(chrome: Browser) -> Mapping[str, np.ndarray | None]:
    """HWC uint8, RGBA: what Chromium shows of each picture; None where it shows none."""
    endless = {name: file for name, (_, file) in wrapped.WITHOUT_END.items()}
    files = coloured.PICTURES | wrapped.WHOLE | wrapped.BROKEN | endless
    page = chrome.new_page()
    told = {name: f"data:image/png;base64,{base64.b64encode(file).decode()}" for name, file in files.items()}
    answers = settled(page, SHOWN, told)
    page.close()
    return {name: None if answer is None else pixels(base64.b64decode(answer[22:])) for name, answer in answers.items()}


def pixels(file: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(file)) as picture:
        return np.asarray(picture.convert("RGBA"))


@pytest.mark.parametrize("name", coloured.PICTURES)
def test_colours_are_those_chromium_shows(shown: Mapping[str, np.ndarray | None], name: str):
    expected = shown[name]
    assert expected is not None
    found = np.asarray(read_picture(coloured.PICTURES[name]).image.convert("RGBA"))
    assert np.abs(found.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("name", wrapped.WHOLE)
def test_a_file_that_chromium_shows_whole_is_taken(shown: Mapping[str, np.ndarray | None], name: str):
    expected = shown[name]
    assert expected is not None
    found = np.asarray(read_picture(wrapped.WHOLE[name]).image.convert("RGBA"))
    assert np.abs(found.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("name", wrapped.BROKEN)
def test_a_file_that_chromium_does_not_show_whole_is_refused(shown: Mapping[str, np.ndarray | None], name: str):
    expected = shown[name]
    assert expected is None or (expected[..., 3] == 0).any()  # rows that are missing are clear
    with pytest.raises(BadPicture):
        read_picture(wrapped.BROKEN[name])


# Of a progressive one, Chromium shows all of it, less sharp.
@pytest.mark.parametrize("name", [name for name in wrapped.WITHOUT_END if name != "progressive"])
def test_what_chromium_shows_of_a_jpeg_without_its_end_is_there(shown: Mapping[str, np.ndarray | None], name: str):
    expected = shown[name]
    assert expected is not None
    found = np.asarray(read_picture(wrapped.WITHOUT_END[name][1]).image.convert("RGBA"))
    is_shown = expected[..., 3] > 0
    assert is_shown.any() and np.abs(found.astype(int) - expected)[is_shown].max() <= 1
