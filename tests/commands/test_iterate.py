"""The terminal verb `iterate`, with the bundled model, from files to files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cli
from studio.intake.picture import read_picture
from toybox.world import Camera, Scene, Thing, render


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A red ball and a blue cube on grey, and the mask of the ball."""
    folder = tmp_path_factory.mktemp("pictures")
    ball = Thing("ball", "red", scale=0.8)
    rendering = render(Scene((ball,), "grey", Camera(elevation_deg=20)), size=128)
    Image.fromarray(rendering.image).save(folder / "ball.png")
    Image.fromarray(rendering.mask).save(folder / "mask.png")
    return {"picture": folder / "ball.png", "mask": folder / "mask.png"}


def pixels(path: Path | str) -> np.ndarray:
    return np.asarray(read_picture(Path(path)).image.convert("RGB")).astype(int)


def test_a_picture_is_changed_by_words_inside_a_mask_only(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    arguments = ["iterate", str(files["picture"]), "make the ball blue", "--object", str(files["mask"]), "--seed", "1"]
    outputs = ["--outputs", str(tmp_path / "diorama")]
    assert cli.main([*arguments, "--feather", "2", "-o", str(tmp_path / "blue.png"), "--json", *outputs]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["seed"], told["prompt"], told["model"]) == (1, "make the ball blue", "toy-klein")
    before, after = pixels(files["picture"]), pixels(told["path"])
    selected = pixels(files["mask"])[..., 0] > 127
    red, _, blue = after[selected].mean(axis=0)
    assert blue > red + 40
    assert (before == after).all(axis=2)[:20].all()
    assert cli.main(["iterate", told["id"], "", "--extend", "right=32", "--extend", "all=8", *outputs]) == 0
    wide = pixels(capsys.readouterr().out.strip())
    assert wide.shape == (144, 176, 3)
    assert (wide[16:128, 16:128] == after[8:120, 8:120]).all()


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["nowhere.png", "make it blue"], 2, "There is no file 'nowhere.png'"),
        (["{picture}"], 2, "The instruction is empty"),
        (["{picture}", "make it blue", "--object", "gone.png"], 2, "gone.png"),
        (["{picture}", "make it blue", "--object", "0" * 32], 2, "There is no picture"),
        (
            ["{picture}", "make it blue", "--object", "{small}"],
            2,
            "The mask has 64 x 64 pixels, and the picture 128 x 128",
        ),
        (["{picture}", "make it blue", "--object", "{black}"], 2, "The mask is empty"),
        (["{picture}", "make it blue", "--strength", "0.5"], 2, "no setting for the strength"),
        (["{picture}", "make it blue", "--reference", "{picture}"], 2, "takes no more pictures"),
        (["{picture}", "make it blue", "--invert"], 2, "first select what stays"),
        (["{picture}", "", "--extend", "left=9999"], 2, "left by 0 to 4096"),
        (["{picture}", "make it blue", "--model", "toy-sam"], 2, "There is no model 'toy-sam'"),
        (["{picture}", "make it blue", "-o", "x.jpg"], 2, ".png"),
    ],
)
def test_what_cannot_be_is_said(
    files: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    said: str,
):
    Image.new("L", (64, 64), 255).save(tmp_path / "small.png")
    Image.new("L", (128, 128), 0).save(tmp_path / "black.png")
    places = {"picture": files["picture"], "small": tmp_path / "small.png", "black": tmp_path / "black.png"}
    filled = [argument.format(**places) for argument in arguments]
    assert cli.main(["iterate", *filled, "--outputs", str(tmp_path / "diorama")]) == status
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("room", ["left", "up=3", "left=-3", "left=1.5", "left=3px"])
def test_misspelt_room_is_refused_before_anything_starts(room: str):
    with pytest.raises(SystemExit):
        cli.parse(["iterate", "x.png", "", "--extend", room])


def test_the_help_names_every_option(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        cli.parse(["iterate", "--help"])
    told = capsys.readouterr().out
    for option in ("--object", "--extend", "--feather", "--strength", "--reference", "--seed", "--json", "-o"):
        assert option in told
