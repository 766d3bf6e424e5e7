"""How the app starts: who may reach it, who owns what, and that nothing heavy is loaded too early."""

from __future__ import annotations

import os
import types

import pytest

import app
from commands.options import accounts
from commands.sharing import identity
from providers.keys import read_env
from studio.errors import BadRequest


@pytest.mark.parametrize(
    "arguments",
    [
        ["--listen"],
        ["--listen", "192.168.1.5"],
        ["--share"],
        ["--listen", "::"],
        ["--listen", "0.0.0.0"],
        ["--auth", "onlyaname"],
        ["--auth", "ada:1", "--auth", "ada:2"],
        ["--auth", "ada:1", "--auth", "grace"],
        ["--auth", ":password"],
        ["--auth", "name:"],
    ],
)
def test_others_are_not_served_without_a_word_on_who_they_may_be(arguments: list[str], capsys):
    with pytest.raises(SystemExit) as stopped:
        app.parse(arguments)
    assert stopped.value.code == 2
    told = capsys.readouterr().err
    assert "--auth" in told
    assert "password" not in told.lower().replace("name:password", "")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--port", "7861"],
        ["--listen", "127.0.0.1"],
        ["--listen", "::1"],
        ["--listen", "[::1]"],
        ["--listen", "localhost"],
        ["--listen", "--open"],
        ["--port", "0"],
        ["--share", "--auth", "ada:l:ovelace"],
    ],
)
def test_these_start(arguments: list[str]):
    assert app.parse(arguments)


def test_a_space_is_open_by_itself(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SPACE_ID", "someone/diorama")
    options = app.parse([])
    assert options.open
    assert options.listen == "0.0.0.0"


def request(username: str | None = None) -> types.SimpleNamespace:
    return types.SimpleNamespace(username=username)


def test_locally_there_is_one_owner_whatever_the_browser_says():
    identify = identity.identify_by(app.parse([]))
    assert identify(request(), "") == identify(request(), "x" * 40) == "local"


def test_with_a_password_the_user_is_the_owner():
    identify = identity.identify_by(app.parse(["--listen", "--auth", "ada:lovelace"]))
    assert identify(request("ada"), "") != identify(request("grace"), "")


def test_where_anyone_may_come_in_every_browser_owns_its_own_and_the_token_stays_secret():
    identify = identity.identify_by(app.parse(["--listen", "--open"]))
    first, second = identify(request(), "a" * 32), identify(request(), "b" * 32)
    assert first != second
    assert "aaaa" not in first
    with pytest.raises(BadRequest, match="reload"):
        identify(request(), "short")


def test_a_file_of_keys_is_read_line_by_line(tmp_path):
    file = tmp_path / ".env"
    assert read_env(file) == {}
    file.write_text("\ufeffHF_TOKEN=hf_1\n\n# OTHER=2\nexport A = 'b c' \nno equals\n1X=3\n=4\n", encoding="utf-8")
    assert read_env(file) == {"HF_TOKEN": "hf_1", "A": "b c"}
    file.write_bytes(b"\xff\xfe")
    assert read_env(file) == {}
    file.write_bytes(b"\xff\xfe\0")
    assert read_env(file) == {}


ENV_LINES = {
    "A=hf_1": "hf_1",
    "A=hf_1 # mine": "hf_1",
    "A=hf_1\t# mine = yours": "hf_1",
    "A=hf#1": "hf#1",
    "A=hf_1#": "hf_1#",
    "A=": "",
    "A= # put it here": "",
    "A=# put it here": "",
    "A = hf_1 ": "hf_1",
    "  export   A=hf_1": "hf_1",
    "export\tA=hf_1": "hf_1",
    "A='hf_1' # mine": "hf_1",
    'A="hf # 1" # mine': "hf # 1",
    'A="hf_1"# mine': "hf_1",
    "A='it\"s'": 'it"s',
    "A=a=b==": "a=b==",
    "\ufeffA=\u200bhf_1\u200b": "hf_1",
}


@pytest.mark.parametrize("line", ENV_LINES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_what_people_write_beside_a_key_is_no_part_of_it(tmp_path, line: str, encoding: str, end: str):
    file = tmp_path / ".env"
    file.write_bytes(f"# keys{end}{line}{end}B=2{end}".encode(encoding))
    assert read_env(file) == {"A": ENV_LINES[line], "B": "2"}


def test_the_shell_wins_over_the_file(tmp_path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / ".env").write_text("DIORAMA_TEST_A=file\nDIORAMA_TEST_B=file\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIORAMA_TEST_A", "shell")
    monkeypatch.setenv("DIORAMA_TEST_B", "")
    monkeypatch.delenv("DIORAMA_TEST_B")
    app.prepare_environment()
    assert os.environ["DIORAMA_TEST_A"] == "shell"
    assert os.environ["DIORAMA_TEST_B"] == "file"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--port", "80000"], "not '80000'"),
        (["--port", "-1"], "not '-1'"),
        (["--port", "ten"], "not 'ten'"),
        (["--listen", "nowhere.invalid", "--open"], "'nowhere.invalid' is not an address of this machine"),
        (["--listen", "192.0.2.77", "--open"], "192.0.2.77 is not an address of this machine"),
    ],
)
def test_a_place_that_cannot_be_served_is_one_sentence(
    tmp_path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
):
    try:
        status: object = app.main([*arguments, "--outputs", str(tmp_path)])
    except SystemExit as stopped:
        status = stopped.code
    told = capsys.readouterr().err
    assert status == 2
    assert told.startswith("Diorama cannot start: ")
    assert sentence in told
    assert len(told.splitlines()) == 1


def test_two_people_may_each_have_a_name():
    options = app.parse(["--auth", "ada:l:ovelace", "--auth", "grace:hopper"])
    assert accounts(options) == [("ada", "l:ovelace"), ("grace", "hopper")]


def test_a_second_diorama_on_the_same_folder_is_told_so(tmp_path, capsys):
    studio = app.open_studio(tmp_path)
    try:
        assert app.main(["--outputs", str(tmp_path)]) == 2
        assert "Another Diorama" in capsys.readouterr().err
    finally:
        studio.close()
