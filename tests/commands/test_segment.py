"""The terminal verb `segment`, with the bundled model, from files to files."""

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
def picture(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """A red ball alone on grey, and its mask."""
    scene = Scene((Thing("ball", "red", scale=0.9),), "grey", Camera(elevation_deg=20))
    rendering = render(scene, size=256)
    path = tmp_path_factory.mktemp("pictures") / "ball.png"
    Image.fromarray(rendering.image).save(path)
    return path, rendering.mask > 0


def test_a_click_cuts_the_object_out(picture: tuple[Path, np.ndarray], tmp_path: Path, capsys: pytest.CaptureFixture):
    path, wanted = picture
    rows, columns = np.nonzero(wanted)
    point = f"{columns.mean() / 256:.4f},{rows.mean() / 256:.4f}"
    options = ["--fraction", "--name", "my ball", "-o", str(tmp_path / "out"), "--outputs", str(tmp_path / "diorama")]
    assert cli.main(["segment", str(path), "--point", point, "--json", *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["name"] == "my ball"
    whole, mask, cutout = (Path(each) for each in told["files"])
    found = np.asarray(read_picture(mask).image.convert("L")) > 127
    assert (found & wanted).sum() / (found | wanted).sum() > 0.85
    assert read_picture(whole).image.size == (256, 256)
    assert max(read_picture(cutout).image.size) < 200
    assert cli.main(["segment", told["id"], "--box", "60,60,200,220", "--outputs", str(tmp_path / "diorama")]) == 0
    assert Path(capsys.readouterr().out.strip()).is_file()


def test_a_photo_is_cut_out_without_a_download(tmp_path: Path, capsys: pytest.CaptureFixture):
    photo = Path(__file__).parents[1] / "studio/segmentation/photos/flower.jpg"
    options = ["--box", "165,80,452,365", "--json", "--outputs", str(tmp_path)]
    assert cli.main(["segment", str(photo), "--model", "outline", "--snap", *options]) == 0
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert said.err == ""
    assert told["area"] == pytest.approx(0.785 * 275 * 275, rel=0.05)
    assert cli.main(["segment", told["id"], "--point", "310,220", "--outputs", str(tmp_path)]) == 0
    assert "This model does not know photos." in capsys.readouterr().err


def test_everything_is_listed_with_where_to_click(
    picture: tuple[Path, np.ndarray], tmp_path: Path, capsys: pytest.CaptureFixture
):
    assert cli.main(["segment", str(picture[0]), "--everything", "--json", "--outputs", str(tmp_path)]) == 0
    regions = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(regions) >= 2
    assert all(0 <= region["score"] <= 1 and len(region["point"]) == 2 for region in regions)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["nowhere.png", "--point", "1,1"], 2, "There is no file 'nowhere.png'"),
        (["{picture}"], 2, "--point X,Y"),
        (["{picture}", "--point", "900,900"], 2, "(900, 900)"),
        (["{picture}", "--point", "2,2", "--fraction"], 2, "between 0 and 1"),
        (["{picture}", "--box", "90,90,20,20"], 2, "is empty"),
        (["{picture}", "--point", "1,1", "--model", "toy-klein"], 2, "There is no model 'toy-klein'"),
    ],
)
def test_what_cannot_be_is_said(
    picture: tuple[Path, np.ndarray],
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    arguments: list[str],
    status: int,
    said: str,
):
    filled = [argument.replace("{picture}", str(picture[0])) for argument in arguments]
    assert cli.main(["segment", *filled, "--outputs", str(tmp_path)]) == status
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--point", "here"], ["--point", "1,2,3"], ["--box", "1,2,3"]])
def test_a_misspelt_place_is_refused_before_anything_starts(arguments: list[str]):
    with pytest.raises(SystemExit):
        cli.parse(["segment", "x.png", *arguments])
