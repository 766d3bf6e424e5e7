"""What the terminal says to pass on."""

from __future__ import annotations

import io
import re

import pytest

import app
from commands.sharing import invitation


def told(*arguments: str, public_url: str | None = None) -> list[str]:
    options = app.parse([*arguments])
    options.port = options.port or 7860
    return invitation.told(options, public_url)


def test_on_this_machine_there_is_nothing_to_pass_on():
    assert told() == ["Diorama is at http://127.0.0.1:7860/ (Ctrl+C ends it)"]


@pytest.mark.parametrize(
    ("arguments", "public_url", "link"),
    [
        (["--share", "--open"], "https://abc.gradio.live", "https://abc.gradio.live/"),
        (["--listen", "192.168.1.5", "--open"], None, "http://192.168.1.5:7860/"),
        (
            ["--allow-host", "pictures.example.org", "--root-path", "/d", "--open"],
            None,
            "https://pictures.example.org/d/",
        ),
    ],
)
def test_a_link_is_drawn_as_a_qr_code(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], public_url: str | None, link: str
):
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), "utf-8"))
    first, host, second, *code = told(*arguments, public_url=public_url)
    assert link in f"{first} {second}"
    assert re.fullmatch(r"For you as the host: http\S+/admin#[\w-]{22}", host)
    assert len(code) > 12 and len({len(line) for line in code}) == 1
    assert set("".join(code)) <= set("█▀▄ ")
    assert invitation.link_to_pass_on(app.parse([*arguments, "--port", "7860"]), public_url) == link


def test_for_all_addresses_the_link_names_one_that_others_know(monkeypatch: pytest.MonkeyPatch):
    link = invitation.link_to_pass_on(app.parse(["--listen", "--open", "--port", "7861"]), None)
    assert link and link.startswith("http://") and link.endswith(":7861/") and "0.0.0.0" not in link


def test_a_terminal_without_blocks_is_told_the_link_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), "ascii"))
    assert invitation.qr_code("http://192.168.1.5:7860/") == []
