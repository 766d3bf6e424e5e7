"""The terminal verb `splat`: conversion as a whole, and the making of a splat with the two fake models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cli
from commands import splat as cli_splat
from studio.errors import BadRequest
from studio.service import Studio
from studio.splats.any_format import read_splat
from studio.splats.formats.antimatter_splat import write_antimatter
from studio.splats.formats.ply import write_ply
from tests.studio.selecting_fake import colour_spec
from tests.studio.turning_fake import FakeViews, ball, disc_png, turning_specs


@pytest.fixture
def views() -> FakeViews:
    return FakeViews()


@pytest.fixture
def studio(tmp_path: Path, views: FakeViews) -> Iterator[Studio]:
    opened = Studio((*turning_specs(views), colour_spec()), tmp_path / "outputs")
    yield opened
    opened.close()


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    path = tmp_path / "disc.png"
    path.write_bytes(disc_png())
    return path


def test_a_file_is_converted_from_format_to_format(tmp_path: Path, capsys: pytest.CaptureFixture):
    source, outputs = tmp_path / "ball.ply", str(tmp_path / "diorama")
    source.write_bytes(write_ply(ball(300)))
    small = tmp_path / "out" / "ball.spz"
    assert cli.main(["splat", str(source), "-o", str(small), "--outputs", outputs]) == 0
    assert capsys.readouterr().out.strip() == str(small)
    arguments = ["splat", str(small), "--export", "splat", "-o", str(tmp_path), "--outputs", outputs, "--json"]
    assert cli.main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["splats"] == 300 and told["fit"] is None
    again = read_splat(Path(told["path"])).splat
    assert again.count == 300
    assert np.allclose(np.sort(again.world_positions()[:, 1]), np.sort(ball(300).positions[:, 1]), atol=0.01)


def test_a_splat_is_not_written_over_the_one_that_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture):
    source = tmp_path / "ball.ply"
    source.write_bytes(write_ply(ball(300)))
    assert cli.main(["splat", str(source), "--outputs", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    kept = Path(told["path"])
    before = kept.read_bytes(), kept.stat().st_mtime_ns
    assert cli.main(["splat", told["id"], "-o", str(kept.parent), "--outputs", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{kept}\n"
    assert (kept.read_bytes(), kept.stat().st_mtime_ns) == before


def test_a_file_is_cropped_and_parts_of_it_are_erased(tmp_path: Path, capsys: pytest.CaptureFixture):
    source, outputs = tmp_path / "ball.ply", str(tmp_path / "diorama")
    source.write_bytes(write_ply(ball(300)))
    arguments = [
        "--crop=-9,0,-9,9,9,9",
        "--erase=0,-9,-9,9,9,9",
        "-o",
        str(tmp_path / "left.ply"),
        "--outputs",
        outputs,
    ]
    assert cli.main(["splat", str(source), *arguments]) == 0
    x, y, _ = ball(300).positions.T
    left = read_splat(tmp_path / "left.ply").splat
    assert left.count == ((y >= 0) & (x < 0)).sum()
    with pytest.raises(SystemExit):
        cli.main(["splat", str(source), "--crop", "1,2,3", "--outputs", outputs])
    assert "'1,2,3' is not a box: give X,Y,Z,X,Y,Z" in capsys.readouterr().err


def test_the_axis_that_points_up_may_be_named(tmp_path: Path, capsys: pytest.CaptureFixture):
    source, outputs = tmp_path / "ball.splat", str(tmp_path / "diorama")
    source.write_bytes(write_antimatter(ball(300)))
    for up, column, sign in (("--up=z", 2, -1), ("--up=-x", 0, -1)):
        arguments = ["splat", str(source), up, "-o", str(tmp_path / "up.ply"), "--outputs", outputs]
        assert cli.main(arguments) == 0
        assert capsys.readouterr().err == ""
        heights = read_splat(tmp_path / "up.ply").splat.world_positions()[:, 1]
        assert np.allclose(np.sort(heights), np.sort(sign * ball(300).positions[:, column]), atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.ply"], "There is no file 'nowhere.ply'"),
        (["nowhere.png"], "There is no file 'nowhere.png'"),
        (["{photo}"], "give --point X,Y on the object"),
        (["{photo}", "-o", "ball.exe"], "-o takes a folder, or a file that ends in .ply"),
        (["{photo}", "--export", "spz", "-o", "ball.glb"], "contradict each other"),
        (["{photo}", "--point", "900,900"], "(900, 900)"),
        (["{photo}", "--up", "z"], "--up says which axis of a splat file points up"),
    ],
)
def test_what_is_asked_wrongly_is_said(tmp_path: Path, capsys: pytest.CaptureFixture, arguments: list[str], said: str):
    Image.new("RGB", (40, 30), "grey").save(tmp_path / "photo.png")
    named = [one.replace("{photo}", str(tmp_path / "photo.png")) for one in arguments]
    assert cli.main(["splat", *named, "--outputs", str(tmp_path / "diorama")]) == 2
    assert said in capsys.readouterr().err


def test_an_object_becomes_a_splat(studio: Studio, disc: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    options = cli.parse(["splat", str(disc), "--seed", "7", "--elevation", "15", "--json", "-o", str(tmp_path / "out")])
    made = cli_splat.made_splat(studio, options)
    assert made is not None
    cli_splat.report(studio, made, options, "ply")
    told = json.loads(capsys.readouterr().out)
    assert told["id"] == made.id and told["fit"] > 0.9 and len(told["views"]) == 4
    assert [studio.asset("local", view).seed for view in told["views"]] == [None, 7, 7, 7]
    camera = read_splat(Path(told["path"])).splat.pose.camera
    assert camera is not None and camera.elevation_deg == 15


def test_a_click_finds_the_object_in_a_whole_picture(studio: Studio, tmp_path: Path):
    image = Image.new("RGB", (64, 64), "grey")
    image.paste("red", (20, 20, 44, 44))
    image.save(tmp_path / "photo.png")
    made = cli_splat.made_splat(studio, cli.parse(["splat", str(tmp_path / "photo.png"), "--point", "30,30"]))
    assert made is not None and made.title == "photo"


def test_views_of_ones_own_are_taken_from_a_folder(studio: Studio, disc: Path, views: FakeViews, tmp_path: Path):
    for index, side in enumerate(("front", "right", "back", "left")):
        Image.new("RGB", (32, 32), (200, 10 * index, 0)).save(tmp_path / f"{side}.png")
    made = cli_splat.made_splat(studio, cli.parse(["splat", str(disc), "--views", str(tmp_path)]))
    assert made is not None and views.orders == []
    (tmp_path / "back.png").unlink()
    with pytest.raises(BadRequest, match=r"There is no back\.png"):
        cli_splat.made_splat(studio, cli.parse(["splat", str(disc), "--views", str(tmp_path)]))


def test_a_splat_of_the_gallery_is_found_by_its_id(studio: Studio):
    kept = studio.splats.take_in("local", write_ply(ball(100)), "ball.ply")
    assert cli_splat.given_splat(studio, kept.id) == kept
    picture = studio.take_in("local", disc_png(), "disc.png")
    assert cli_splat.given_splat(studio, picture.id) is None
