"""Providers in a terminal: the doctor, words, and the daily cap; the real SDK asks a server on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import cli
from tests.providers import wires
from tests.providers.loopback import Provider, serving
from tests.providers.wires import png

CANARY = "sk-canary-3c3c-shell"
FLARE = "openai-gpt-image-2.6-flare"


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    with serving() as one:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{one.url}/v1")
        monkeypatch.setenv("OPENAI_API_KEY", CANARY)
        yield one


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "walrus.png"
    file.write_bytes(png())
    return file


def test_the_doctor_says_whether_there_is_a_key_and_never_which(
    provider: Provider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert cli.main(["doctor", "--outputs", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "Cloud     OpenAI: a key in the environment, OPENAI_API_KEY" in told
    assert "Google: no key; get one at https://aistudio.google.com/apikey and write GOOGLE_API_KEY=... into" in told
    assert "$5.00 daily cap" in told
    assert CANARY not in told


def test_a_picture_is_described_and_the_description_kept(
    provider: Provider, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    provider.says(wires.RESPONSES, wires.openai_words("A walrus on velvet."))
    outputs = ["--outputs", str(tmp_path / "outputs")]
    assert cli.main(["describe", str(picture), "--json", *outputs]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["description"] == "A walrus on velvet."
    assert cli.main(["describe", told["id"], *outputs]) == 0
    assert capsys.readouterr().out == "A walrus on velvet.\n"
    assert cli.main(["describe", str(tmp_path / "gone.png"), *outputs]) == 2
    assert "There is no file" in capsys.readouterr().err


def test_a_prompt_is_improved(provider: Provider, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    provider.says(wires.RESPONSES, wires.openai_words("a walrus, oil on canvas"))
    assert cli.main(["improve", "a walrus", "--outputs", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "a walrus, oil on canvas\n"


def test_without_a_key_it_says_where_to_write_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["improve", "a walrus", "--outputs", str(tmp_path)]) == 2
    assert "write OPENAI_API_KEY=... into" in capsys.readouterr().err


def test_above_the_daily_cap_it_wants_a_word(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    provider.says(wires.IMAGES, wires.openai_picture(png((1024, 1024))))
    monkeypatch.setenv("DIORAMA_DAILY_CAP_USD", "0.01")
    wish = ["generate", "a walrus", "--model", FLARE, "--quality", "medium", "--outputs", str(tmp_path), "--json"]
    assert cli.main(wish) == 2
    assert "--confirm-cost" in capsys.readouterr().err
    assert provider.paid() == []
    assert cli.main([*wish, "--confirm-cost"]) == 0
    assert json.loads(capsys.readouterr().out)["price_usd"] == pytest.approx(0.03033)


def test_a_cap_that_is_no_amount_is_said_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("DIORAMA_DAILY_CAP_USD", "much")
    assert cli.main(["improve", "a walrus", "--outputs", str(tmp_path)]) == 2
    assert (
        "DIORAMA_DAILY_CAP_USD must be an amount in dollars per day such as 5, or off; got 'much'"
        in capsys.readouterr().err
    )


def test_a_model_that_cannot_run_here_says_who_could(
    provider: Provider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    outputs = ["--outputs", str(tmp_path)]
    assert cli.main(["models", "--json"]) == 0
    models = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    unable = [model["id"] for model in models if not model["ready"] and model["id"].startswith("flux")]
    if not unable:
        pytest.skip("every model runs on this machine")
    assert cli.main(["generate", "a walrus", "--model", unable[0], *outputs]) == 2
    said = capsys.readouterr().err
    assert "GPT Image 2.6 Flare (OpenAI) can make it in the cloud for about $0.053 a picture" in said
    assert FLARE in said
    assert provider.paid() == []
