"""The verbs `run`, `watch` and `completion`, with the bundled model and from files to files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import cli
from app import open_studio
from commands.sharing.identity import LOCAL_OWNER
from studio.contract import GenerateRequest
from studio.grids.grid import GridRequest, axis
from studio.scheduling.contract import Done
from studio.splats.any_format import read_splat

ROOT = Path(__file__).resolve().parents[2]
PROMPT = "a red ball on a grey background"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A picture, a change of it, a picture with more pixels, and the gallery that has them."""
    place = tmp_path_factory.mktemp("made")
    outputs = ("--outputs", str(place / "outputs"))
    ball, blue, large = (place / f"{name}.png" for name in ("ball", "blue", "large"))
    assert cli.main(["generate", PROMPT, "--seed", "3", "--steps", "4", "-o", str(ball), *outputs]) == 0
    assert cli.main(["iterate", str(ball), "make the ball blue", "--steps", "4", "-o", str(blue), *outputs]) == 0
    assert cli.main(["upscale", str(ball), "--scale", "2", "-o", str(large), *outputs]) == 0
    return {"outputs": place / "outputs", "ball": ball, "blue": blue, "large": large}


def pixels(path: Path | str) -> tuple[tuple[int, int], bytes]:
    with Image.open(path) as image:
        return image.size, image.tobytes()


@pytest.mark.parametrize("name", ["ball", "blue", "large"])
def test_a_recipe_makes_the_same_pixels_again(
    made: dict[str, Path], name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    with Image.open(made[name]) as picture:
        (tmp_path / "recipe.json").write_text(picture.text["diorama"], encoding="utf-8")  # type: ignore[attr-defined]
    for recipe in (made[name], tmp_path / "recipe.json"):
        assert cli.main(["run", str(recipe), "--json", "--outputs", str(made["outputs"])]) == 0
        told = json.loads(capsys.readouterr().out)
        assert Path(told["path"]) != made[name]
        assert pixels(told["path"]) == pixels(made[name])


def test_what_was_cut_out_compared_or_made_solid_is_made_again(
    made: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    outputs = ("--outputs", str(made["outputs"]), "--json")

    def told(*arguments: str) -> dict[str, Any]:
        capsys.readouterr()
        assert cli.main([*arguments, *outputs]) == 0
        return json.loads(capsys.readouterr().out)

    control = told("control", str(made["ball"]))
    cut = told("segment", str(made["ball"]), "--point", "64,70", "--name", "ball")
    splat = told("splat", cut["id"], "--seed", "5", "--steps", "4")
    studio = open_studio(made["outputs"], resume=False)
    try:
        axes = axis("steps", [4, 5]), axis("size", ["256 x 256"])
        job = studio.compare(LOCAL_OWNER, GridRequest(GenerateRequest(PROMPT, seed=3), *axes))
        (sheet,) = next(event.assets for event in studio.events(LOCAL_OWNER, job.id) if isinstance(event, Done))
        first = {id: studio.path(LOCAL_OWNER, id) for id in (control["id"], cut["id"], *splat["views"][:2], sheet)}
    finally:
        studio.close()
    for asset_id, path in first.items():
        again = told("run", asset_id)
        assert again["id"] != asset_id and pixels(again["path"]) == pixels(path)
    again = told("run", splat["path"])
    one, other = (read_splat(Path(each["path"])).splat for each in (splat, again))
    assert again["id"] != splat["id"] and (one.positions == other.positions).all()
    assert cli.main(["run", splat["path"], "-o", str(tmp_path / "picture.png"), *outputs]) == 2
    assert watch(made, tmp_path, "--recipe", splat["id"]) == 2
    said = capsys.readouterr().err
    assert "Name a folder with -o." in said and "Give the recipe of a picture from words" in said


def test_a_recipe_of_packed_weights_is_made_with_those_that_are_here(
    made: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """From a machine with a card, where weights were kept in 4 bits or the network was compiled."""
    for name in ("ball", "blue"):
        text = PngInfo()
        with Image.open(made[name]) as picture:
            recipe = json.loads(picture.text["diorama"]) | {"precision": "nf4", "fast": True}  # type: ignore[attr-defined]
            text.add_text("diorama", json.dumps(recipe))
            picture.putpixel((0, 0), (1, 2, 3))  # else it is the one in the gallery
            picture.save(tmp_path / f"{name}.png", pnginfo=text)
        (tmp_path / f"{name}.json").write_text(json.dumps(recipe))
        for kept in ("png", "json"):
            path = tmp_path / f"{name}.{kept}"
            assert cli.main(["run", str(path), "--json", "--outputs", str(made["outputs"])]) == 0, path
            said = capsys.readouterr()
            assert "made it with weights in 'nf4', which this machine does not do" in said.err
            assert "made it compiled (Fast), which this machine does not do" in said.err
            again = json.loads(said.out)["path"]
            assert pixels(again) == pixels(made[name])
            with Image.open(again) as picture:
                told = json.loads(picture.text["diorama"])  # type: ignore[attr-defined]
            assert not told.get("precision") and not told.get("fast")


def test_a_recipe_of_another_tool_is_made_as_well_as_can_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    image = Image.new("RGB", (64, 64))
    text = PngInfo()
    text.add_text("parameters", f"{PROMPT}\nSteps: 4, Sampler: Euler a, CFG scale: 3, Seed: 3, Size: 512x512")
    image.save(tmp_path / "foreign.png", pnginfo=text)
    assert cli.main(["run", str(tmp_path / "foreign.png"), "--json", "--outputs", str(tmp_path / "outputs")]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["seed"] == 3
    assert "512 x 512" in said.err


@pytest.mark.parametrize(
    ("content", "told"),
    [("{", "is not JSON"), ("{}", "is not a recipe"), ("[" * 100_000, "is not JSON"), (None, "There is no file")],
)
def test_what_is_no_recipe_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, told: str
):
    path = tmp_path / "recipe.json"
    if content is not None:
        path.write_text(content)
    assert cli.main(["run", str(path), "--outputs", str(tmp_path / "outputs")]) == 2
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1


def watch(made: dict[str, Path], folder: Path, *more: str) -> int:
    return cli.main(["watch", str(folder), "--once", "--json", "--outputs", str(made["outputs"]), *more])


def test_every_new_file_is_done_once_also_over_a_restart(
    made: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    shutil.copyfile(made["ball"], tmp_path / "one.png")
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "spoilt.png").write_text("no picture")
    arguments = ("--recipe", str(made["large"]))
    assert watch(made, tmp_path, *arguments) == 2  # the spoilt one
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 1 and "spoilt.png" in said.err
    (tmp_path / "spoilt.png").unlink()
    shutil.copyfile(made["ball"], tmp_path / "the same again.png")
    Image.new("RGB", (40, 30), "blue").save(tmp_path / "two.png")
    assert watch(made, tmp_path, *arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [pixels(json.loads(line)["path"])[0] for line in lines] == [(80, 60)]
    assert watch(made, tmp_path, *arguments) == 0
    assert capsys.readouterr().out == ""


def test_a_folder_that_its_own_results_arrive_in_is_not_watched(
    made: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    arguments = ("--recipe", str(made["large"]))
    for folder, more in ((tmp_path, ("-o", str(tmp_path))), (made["outputs"] / "images", ())):
        assert watch(made, folder, *arguments, *more) == 2
        said = capsys.readouterr()
        assert (said.out, said.err.count("\n")) == ("", 1) and "changed again" in said.err
    (tmp_path / "prompts.txt").write_text("a yellow cone on a grey background")
    assert watch(made, tmp_path, "--recipe", str(made["ball"]), "-o", str(tmp_path)) == 0


@pytest.mark.parametrize("every", ["-1", "nan", "inf", "0", "soon"])
def test_a_folder_is_looked_at_again_after_a_sane_time(every: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        cli.main(["watch", ".", "--recipe", "ball.png", f"--every={every}"])
    assert f"not '{every}'" in capsys.readouterr().err


def test_a_file_that_is_moved_away_meanwhile_ends_nothing(
    made: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    Image.new("RGB", (40, 30), "red").save(tmp_path / "there.png")
    found = [tmp_path / "gone.png", tmp_path / "there.png"]
    monkeypatch.setattr("commands.programs.watch._settled", lambda *_arguments, **_more: found)
    assert watch(made, tmp_path, "--recipe", str(made["large"])) == 2
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 1 and "gone.png: No such file" in said.err


def test_a_job_that_a_crash_left_is_found_and_not_asked_for_again(
    made: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "prompts.txt").write_text("a green ball on a grey background \n\n")
    arguments = ("--recipe", str(made["ball"]))
    assert watch(made, tmp_path, *arguments) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    journal = made["outputs"] / "watched.jsonl"
    *before, begun, _job = journal.read_text().splitlines()
    assert json.loads(begun)["job"] == ""
    journal.write_text("\n".join([*before, begun, '{"recipe": ']))  # as if the power had gone just then
    assert watch(made, tmp_path, *arguments) == 0
    assert capsys.readouterr().out == ""
    studio = open_studio(made["outputs"], resume=False)
    try:
        titles = [job.title for job in studio.jobs(LOCAL_OWNER, 50)]
    finally:
        studio.close()
    assert titles.count("a green ball on a grey background") == 1


def test_every_verb_has_json_and_is_completed(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["completion", "bash", "--json"]) == 0
    words = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    verbs = {word["text"] for word in words if not word["after"]}
    assert {"generate", "run", "watch", "key", "completion"} <= verbs
    with_json = {word["after"] for word in words if word["text"] == "--json"}
    assert verbs - {each.partition(" ")[0] for each in with_json} == {
        "worker"
    }  # it serves, and prints for people alone


def test_bash_completes_verbs_and_options(tmp_path: Path):
    script = subprocess.run(
        [sys.executable, "cli.py", "completion", "bash"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    (tmp_path / "completion.sh").write_text(script)

    def completed(*words: str) -> list[str]:
        line = " ".join(f"'{word}'" for word in words)
        ask = f"source completion.sh; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _diorama"
        told = subprocess.run(
            ["bash", "-c", f'{ask}; printf "%s\\n" "${{COMPREPLY[@]}}"'],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=True,
        )
        return told.stdout.split()

    assert completed("python", "cli.py", "gen") == ["generate"]
    assert "--clip-skip" in completed("python", "cli.py", "generate", "a ball", "--cl")
    assert {"add", "list", "remove"} <= {*completed("python", "cli.py", "key", "")}
    assert completed("python", "cli.py", "key", "add", "--us") == ["--user"]
    assert completed("python", "other.py", "gen") == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_every_word(shell: str, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for word in ("generate", "clip-skip", "watch", "bash"):
        assert word in script
