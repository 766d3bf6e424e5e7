"""The terminal verbs with the real bundled model and a real outputs folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

import cli

PROMPT = "a red ball on a grey background"


def run(*arguments: str) -> int:
    return cli.main([*arguments])


def test_a_prompt_becomes_a_png_file_with_its_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    target = tmp_path / "ball.png"
    status = run("generate", PROMPT, "--seed", "3", "--outputs", str(tmp_path / "outputs"), "-o", str(target))
    assert status == 0
    assert capsys.readouterr().out.strip() == str(target)
    with Image.open(target) as picture:
        assert picture.size == (128, 128)
        assert "Seed: 3" in picture.text["parameters"]  # type: ignore[attr-defined]  # PNG images have it
        assert json.loads(picture.text["diorama"])["prompt"] == PROMPT  # type: ignore[attr-defined]


def test_the_same_seed_makes_the_same_picture_again(tmp_path: Path):
    for name in ("one", "two"):
        arguments = ("generate", PROMPT, "--seed", "3", "--steps", "4", "--outputs", str(tmp_path / name))
        assert run(*arguments, "-o", str(tmp_path / f"{name}.png")) == 0
    with Image.open(tmp_path / "one.png") as one, Image.open(tmp_path / "two.png") as two:
        assert one.tobytes() == two.tobytes()


def test_many_prompts_and_counts_print_one_json_line_per_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a blue cube\n\na green cone\n", encoding="utf-8")
    folder = tmp_path / "pictures"
    status = run(
        *("generate", PROMPT, "--prompts-file", str(prompts), "--count", "2", "--steps", "4", "--seed", "5", "--json"),
        *("--outputs", str(tmp_path / "outputs"), "-o", str(folder)),
    )
    assert status == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["prompt"], line["seed"]) for line in lines] == [
        *((PROMPT, 5), (PROMPT, 6)),
        *(("a blue cube", 5), ("a blue cube", 6)),
        *(("a green cone", 5), ("a green cone", 6)),
    ]
    assert {line["path"] for line in lines} == {str(path) for path in folder.iterdir()}
    assert all(line["seconds"] > 0 for line in lines)


def test_several_pictures_into_one_file_name_are_numbered(tmp_path: Path):
    target = tmp_path / "ball.png"
    arguments = ("generate", PROMPT, "--count", "2", "--steps", "4", "--outputs", str(tmp_path / "outputs"))
    assert run(*arguments, "-o", str(target)) == 0
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["ball-2.png", "ball.png"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["   "], "Nothing to draw"),
        ([], "Nothing to draw"),
        ([PROMPT, "--model", "nope"], "no model 'nope'"),
        ([PROMPT, "--count", "9"], "9"),
        ([PROMPT, "--seed", "-1"], "-1"),
        ([PROMPT, "--steps", "1000"], "1000"),
        ([PROMPT, "--size", "100000x100000"], "100000"),
        ([PROMPT, "--style", "baroque"], "baroque"),
        ([PROMPT, "-o", "ball.jpg"], ".png"),
        ([PROMPT, "-o", __file__ + "/ball.png"], "Cannot write"),
        (["--prompts-file", "/nowhere/prompts.txt"], "/nowhere/prompts.txt"),
        ([PROMPT, "--model", "flux2-klein-4b"], "GPU"),
    ],
)
def test_a_wrong_request_is_one_sentence_and_a_failing_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
):
    assert run("generate", *arguments, "--outputs", str(tmp_path / "outputs")) != 0
    told = capsys.readouterr()
    assert told.out == ""
    assert sentence in told.err
    assert "Traceback" not in told.err
    assert len(told.err.strip().splitlines()) == 1


def test_an_unknown_word_is_a_hint_and_the_picture_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    outputs = tmp_path / "outputs"
    assert run("generate", "a red dragon", "--steps", "4", "--outputs", str(outputs)) == 0
    told = capsys.readouterr()
    assert "does not know: dragon" in told.err
    assert Path(told.out.strip()).is_file()


def test_models_are_listed_with_their_readiness(capsys: pytest.CaptureFixture[str]):
    assert run("models") == 0
    assert "toy-klein" in capsys.readouterr().out
    assert run("models", "--json") == 0
    listed = {line["id"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert listed["toy-klein"]["ready"] is True
    assert listed["toy-klein"]["readiness"] == "ready"


def test_the_doctor_says_what_each_tab_can_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run("doctor", "--outputs", str(tmp_path / "not" / "there")) == 0
    told = capsys.readouterr().out
    assert "CPU cores" in told
    assert "GB free" in told
    assert "Generate  Toy klein" in told
