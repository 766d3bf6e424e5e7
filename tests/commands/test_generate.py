"""The terminal verbs with the real bundled model and a real outputs folder."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image

import cli
from commands import generate
from pipelines.records.flux import KLEIN
from tests.patience import PATIENCE_SECONDS
from tests.pipelines.loopback_hub import serving
from tests.pipelines.tiny import save_klein

ROOT = Path(__file__).resolve().parents[2]
PROMPT = "a red ball on a grey background"


def run(*arguments: str) -> int:
    return cli.main([*arguments])


def test_a_prompt_becomes_a_png_file_with_its_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    target = tmp_path / "ball.png"
    status = run("generate", PROMPT, "--seed", "3", "--outputs", str(tmp_path / "outputs"), "-o", str(target))
    assert status == 0
    assert capsys.readouterr().out.strip() == str(target)
    with Image.open(target) as picture:
        assert picture.size == (256, 256)
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


def test_a_prompt_that_is_refused_does_not_stop_the_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    prompts = (PROMPT, "a __colour__ ball", "a __colour__ cube", "a blue cube")
    assert run("generate", *prompts, "--steps", "4", "--outputs", str(tmp_path / "outputs")) == 2
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 2
    assert "a __colour__ ball" in told.err and told.err.count("There is no file colour.txt") == 1


def test_pictures_may_be_asked_for_where_they_are_kept_anyway(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    arguments = ("generate", PROMPT, "--steps", "4", "--outputs", str(tmp_path))
    assert run(*arguments, "-o", str(tmp_path / "images")) == 0
    (kept,) = (tmp_path / "images").iterdir()
    assert capsys.readouterr().out == f"{kept}\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=ascii)
def test_prompts_are_read_however_their_file_was_saved(tmp_path: Path, encoding: str, end: str):
    prompts = tmp_path / "prompts.txt"
    prompts.write_bytes(f"a blue cube{end}{end}\u200b{end}ein grüner Kegel".encode(encoding))
    options = argparse.Namespace(prompts=[], prompts_file=prompts)
    assert generate.read_prompts(options) == ["a blue cube", "ein grüner Kegel"]


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
        ([PROMPT, "--seed", "-2"], "-2"),
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


def test_licences_gates_and_sizes_are_listed(capsys: pytest.CaptureFixture[str]):
    assert run("models") == 0
    told = capsys.readouterr().out
    assert "FLUX.1-dev non-commercial, gated" in told
    assert "34 GB download" in told
    [row] = [line for line in told.splitlines() if line.startswith("imagedream ")]
    assert not ("needs a GPU" in row and "on the CPU" in row)
    assert run("models", "--json") == 0
    listed = {line["id"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert listed["flux1-schnell"]["gated"] is True
    assert listed["flux1-dev"]["licence_url"].endswith("LICENSE.md")
    assert listed["flux2-klein-4b"]["page"].endswith("/black-forest-labs/FLUX.2-klein-4B")


def test_a_model_is_downloaded_once_and_told_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    repo = save_klein(tmp_path / "repo")
    capsys.readouterr()
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    with serving("black-forest-labs/FLUX.2-klein-4B", repo) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        assert run("download", "flux2-klein-4b") == 0
        told = capsys.readouterr()
        assert f"FLUX.2 klein 4B: 16 GB from {hub.url.removeprefix('http://')} (Apache-2.0); " in told.err
        folder = Path(told.out.strip())
        assert (folder / "model_index.json").is_file()
        assert folder.name == KLEIN.download.revision
        sent = dict(hub.bytes_sent)
        assert run("download", "flux2-klein-4b") == 0
        assert hub.bytes_sent == sent
        assert run("doctor", "--outputs", str(tmp_path)) == 0
        assert str(folder) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("model", "sentence"),
    [("toy-klein", "nothing to download"), ("nope", "no model 'nope'"), ("flux1-dev", "cannot be reached")],
)
def test_a_download_that_cannot_be_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], model: str, sentence: str
):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert run("download", model) != 0
    told = capsys.readouterr()
    assert sentence in told.err.splitlines()[-1]
    assert "Traceback" not in told.err


def test_ctrl_c_ends_a_download_and_keeps_what_came(tmp_path: Path):
    repo = save_klein(tmp_path / "repo")
    with serving("black-forest-labs/FLUX.2-klein-4B", repo) as hub:
        hub.hold = threading.Event()
        environment = os.environ | {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home")}
        command = [sys.executable, "cli.py", "download", "flux2-klein-4b"]
        with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
            assert hub.held.wait(PATIENCE_SECONDS)
            process.send_signal(signal.SIGINT)
            assert process.stderr is not None
            told = process.stderr.read()
    assert process.returncode == 130
    assert "The same command resumes from here." in told
    assert "Traceback" not in told
    assert [*(tmp_path / "home").rglob("*.incomplete")]


def test_a_token_in_a_file_is_used_and_never_shown(tmp_path: Path):
    (tmp_path / ".env").write_text('# keys\nexport HF_TOKEN="hf_canary"\nnot a line\n')
    environment = {name: value for name, value in os.environ.items() if name != "HF_TOKEN"}
    command = [sys.executable, str(ROOT / "cli.py"), "doctor", "--outputs", str(tmp_path)]
    told = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert "HF_TOKEN is set" in told.stdout
    assert "hf_canary" not in told.stdout + told.stderr


def test_the_doctor_can_be_read_by_programs_and_pasted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    home = tmp_path / "home" / "lovelace"
    for name, value in {"HOME": str(home), "HF_HOME": str(home / "hub"), "HF_TOKEN": "hf_canary"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert run("doctor", "--outputs", str(home / "outputs"), "--json", "--check-token") == 0
    told = capsys.readouterr().out
    assert "lovelace" not in told and "hf_canary" not in told
    found = json.loads(told)
    assert found["downloads"]["folder"].startswith("~")
    assert found["downloads"]["token"] == "set, and not checked: 127.0.0.1:9 cannot be reached"
    assert found["machine"]["torch"] in ("CUDA", "ROCm", "CPU")
    assert "Toy klein" in found["tasks"]["generate"]
    klein = next(model for model in found["models"] if model["id"] == "toy-klein")
    assert (klein["ready"], klein["layout"]) == (True, "on the CPU (float32)")
    assert {key["provider"] for key in found["keys"]} >= {"OpenAI", "Google"}


def test_the_doctor_names_the_driver_and_the_persons_own_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "old.ckpt").write_bytes(b"pickled")
    smi = tmp_path / "nvidia-smi"
    smi.write_text(
        "#!/bin/sh\ncase $1 in *driver_version*) echo 570.86.15;; *) echo 0, H200, 143771, 143000, 9.0;; esac\n"
    )
    smi.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert run("doctor", "--outputs", str(tmp_path / "outputs")) == 0
    told = capsys.readouterr().out
    assert ", NVIDIA driver 570.86.15\n" in told
    assert "old: checkpoints/old.ckpt is pickled" in told


def test_the_doctor_says_what_each_tab_can_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run("doctor", "--outputs", str(tmp_path / "not" / "there")) == 0
    told = capsys.readouterr().out
    assert "CPU cores" in told
    assert "GB free" in told
    assert "Generate  Toy klein" in told
