"""Who may sign in: what `cli.py user` writes, and what a running app makes of it."""

from __future__ import annotations

import asyncio
import io
import json
import stat
from pathlib import Path

import pytest

import app
import cli
from commands.sharing import identity
from commands.sharing.accounts import User, Users, UsersFile
from studio.client_keys import ClientKeys

PASSWORD = "correct horse"


def user(file: Path, *arguments: str, monkeypatch: pytest.MonkeyPatch, said: str = f"{PASSWORD}\n") -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(said))
    return cli.main(["user", *arguments, "--users", str(file)])


def admits(accounts: Users, name: str, password: str) -> bool:
    return asyncio.run(accounts.admits(name, password))


def test_a_user_is_added_listed_given_another_password_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "users.json"
    accounts = Users({}, UsersFile(file))  # as of an app that runs all the time
    assert not admits(accounts, "ada", PASSWORD)
    assert user(file, "add", "ada", "--admin", monkeypatch=monkeypatch) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert PASSWORD not in file.read_text()
    assert admits(accounts, "ada", PASSWORD) and not admits(accounts, "ada", f"{PASSWORD} ")
    assert accounts.is_admin("ada") and not accounts.is_admin("grace")
    before = accounts.session_mark("ada")
    assert user(file, "add", "ada", monkeypatch=monkeypatch, said="another one\n") == 0
    assert admits(accounts, "ada", "another one") and not admits(accounts, "ada", PASSWORD)
    assert accounts.session_mark("ada") not in (None, before)
    capsys.readouterr()
    assert user(file, "list", monkeypatch=monkeypatch) == 0
    assert capsys.readouterr().out == "ada\n"
    assert user(file, "list", "--json", monkeypatch=monkeypatch) == 0
    assert json.loads(capsys.readouterr().out) == {"name": "ada", "admin": False}
    assert user(file, "remove", "ada", monkeypatch=monkeypatch) == 0
    assert accounts.session_mark("ada") is None
    assert user(file, "remove", "ada", monkeypatch=monkeypatch) == 2
    assert "has no user 'ada'" in capsys.readouterr().err


def test_a_removed_user_takes_their_keys_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    file, outputs = tmp_path / "users.json", tmp_path / "outputs"
    for name in ("ada", "grace"):
        user(file, "add", name, monkeypatch=monkeypatch)
    accounts = Users({"named": PASSWORD}, UsersFile(file))
    keys = ClientKeys(outputs, accounts.admits_owner)
    owners = ("user-ada", "user-grace", "user-named", "user-nobody", "local", "0" * 32)
    made = {owner: keys.add(f"of-{owner}", owner) for owner in owners}
    admitted = {owner: keys.find(key) is not None for owner, key in made.items()}
    assert admitted == {owner: owner != "user-nobody" for owner in owners}
    UsersFile(file).remove("ada")  # as by hand: the key is still there
    assert keys.find(made["user-ada"]) is None and keys.find(made["user-grace"])
    capsys.readouterr()
    assert user(file, "remove", "grace", "--outputs", str(outputs), monkeypatch=monkeypatch) == 0
    assert "Their keys were removed: of-user-grace." in capsys.readouterr().out
    user(file, "add", "grace", monkeypatch=monkeypatch)  # somebody else of that name
    assert keys.find(made["user-grace"]) is None and keys.find(made["local"])


@pytest.mark.parametrize(
    ("name", "said", "sentence"),
    [
        ("ada", "short\n", "8 characters or more, not 5"),
        ("ada", "", "8 characters or more, not 0"),
        ("a:b", f"{PASSWORD}\n", "not 'a:b'"),
        (" ada", f"{PASSWORD}\n", "not ' ada'"),
        ("../ada", f"{PASSWORD}\n", "not '../ada'"),
        ("a" * 65, f"{PASSWORD}\n", "1 to 64 characters"),
        ("a\nb", f"{PASSWORD}\n", "1 to 64 characters"),
    ],
)
def test_what_nobody_could_sign_in_with_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    said: str,
    sentence: str,
):
    file = tmp_path / "users.json"
    assert user(file, "add", name, monkeypatch=monkeypatch, said=said) == 2
    assert sentence in capsys.readouterr().err
    assert not file.exists()


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "[]",
        "{",
        '{"ada": 1}',
        '{"ada": {}}',
        '{"ada": {"scrypt": "x"}}',
        '{"ada": {"scrypt": "1048576$64$1$AA==$AA=="}}',
        '{"ada": {"scrypt": "32768$8$3$?$AA=="}}',
        "[" * 100_000,
    ],
)
def test_a_damaged_file_lets_nobody_in_and_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], damage: str
):
    file = tmp_path / "users.json"
    file.write_text(damage)
    assert not admits(Users({}, UsersFile(file)), "ada", PASSWORD)
    assert user(file, "add", "ada", monkeypatch=monkeypatch) == 2
    assert "is not a users file" in capsys.readouterr().err
    assert file.read_text() == damage
    with pytest.raises(SystemExit):
        app.parse(["--listen", "--users", str(file)])
    assert "is not a users file" in capsys.readouterr().err


def test_the_app_starts_with_a_file_of_users_and_not_with_an_empty_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "users.json"
    with pytest.raises(SystemExit):
        app.parse(["--listen", "--users", str(file)])
    assert "has no user yet: python cli.py user add NAME" in capsys.readouterr().err
    UsersFile(file).put(User.made("ada", PASSWORD, is_admin=False))
    file.chmod(0o644)
    options = app.parse(["--share", "--users", str(file)])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert identity.identify_by(options)(type("Request", (), {"username": "ada"})(), "") == "user-ada"


def test_names_of_the_command_line_win_over_the_file(tmp_path: Path):
    file = UsersFile(tmp_path / "users.json")
    file.put(User.made("ada", PASSWORD, is_admin=True))
    accounts = Users({"ada": "lovelace"}, file)
    assert admits(accounts, "ada", "lovelace") and not admits(accounts, "ada", PASSWORD)
    assert not accounts.is_admin("ada")
    assert not admits(Users({"ada": "lovelace"}), "grace", "")


def test_the_same_password_is_written_differently_each_time():
    one, other = (User.made("ada", PASSWORD, is_admin=False).written() for _ in range(2))
    assert one != other
    assert User.read("ada", json.loads(json.dumps(one))).has(PASSWORD)
