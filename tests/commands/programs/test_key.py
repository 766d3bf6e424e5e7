"""The verb `key`: keys of programs are made, listed and removed, and known only by their hash."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import cli
from studio.client_keys import ClientKeys


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = cli.main(["key", *arguments])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_a_key_is_shown_once_listed_by_name_and_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    place = ("--outputs", str(tmp_path / "outputs"))
    status, out, error = told(capsys, "add", "open-webui", *place)
    key = out.strip()
    assert (status, error) == (0, "Save it now: it is not shown again.\n")
    assert json.loads(told(capsys, "add", "friend", "--user", "ada", "--json", *place)[1])["name"] == "friend"
    keys = ClientKeys(tmp_path / "outputs")
    assert [(each.name, each.owner) for each in keys.all()] == [("friend", "user-ada"), ("open-webui", "local")]
    assert (found := keys.find(key)) and found.name == "open-webui"
    listed = [json.loads(line) for line in told(capsys, "list", "--json", *place)[1].splitlines()]
    assert [(each["name"], each["user"]) for each in listed] == [("friend", "ada"), ("open-webui", "")]
    assert key not in told(capsys, "list", *place)[1]
    assert told(capsys, "remove", "open-webui", *place)[0] == 0
    assert keys.find(key) is None


@pytest.mark.parametrize("name", ["", "../x", "a/b", "-x", "a" * 65, "é", "a\nb"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str):
    for verb in ("add", "remove"):
        status, out, error = told(capsys, verb, "--outputs", str(tmp_path), "--", name)
        assert (status, out) == (2, "")
        assert error.count("\n") == 1


def test_a_second_key_of_a_name_is_refused_and_the_first_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    key = ClientKeys(tmp_path).add("mine", "local")
    status, _, error = told(capsys, "add", "mine", "--outputs", str(tmp_path))
    assert status == 2 and "already" in error
    assert ClientKeys(tmp_path).find(key)


def test_nobody_else_on_the_machine_reads_the_keys(tmp_path: Path):
    ClientKeys(tmp_path).add("mine", "local")
    folder = tmp_path / "keys"
    assert folder.stat().st_mode & 0o077 == 0
    assert [path.stat().st_mode & 0o077 for path in folder.iterdir()] == [0]
