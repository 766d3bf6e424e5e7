"""Sessions of those who signed in: how they end."""

from __future__ import annotations

from pathlib import Path

import httpx

from commands.sharing.accounts import User, Users, UsersFile
from studio.service import Studio
from tests.ports import free_port
from tests.ui.painter import Brush, catalog
from ui import page
from ui.guard.sign_in.signed_in import IDLE_SECONDS, SignedIn


class Marks:
    """Accounts of whoever stands in `of`."""

    def __init__(self, **of: str) -> None:
        self.of = of

    def session_mark(self, name: str) -> str | None:
        return self.of.get(name)

    def is_admin(self, name: str) -> bool:
        return False


def test_a_session_ends_with_its_person_with_their_password_and_when_nobody_uses_it():
    now, marks = 0.0, Marks(ada="1", grace="1")
    sessions = SignedIn(marks, lambda: now)
    sessions.update({})
    sessions["a"], sessions["g"], sessions["g2"] = "ada", "grace", "grace"
    now = IDLE_SECONDS - 1.0
    assert (sessions.get("a"), sessions.get("g"), sessions.get(None), sessions.get("x")) == ("ada", "grace", None, None)
    marks.of["ada"] = "2"
    assert sessions.get("a") is None and "a" not in sessions
    now += 2.0
    assert sessions.get("g") == "grace" and sessions.get("g2") is None
    del marks.of["grace"]
    assert sessions.get("g") is None
    assert len(sessions) == 0


def test_the_host_ends_all_sessions_of_a_name():
    sessions = SignedIn(Marks(ada="1", grace="1"))
    sessions["a"], sessions["b"], sessions["g"] = "ada", "ada", "grace"
    assert sessions.end("ada") == 2
    assert [*sessions] == ["g"]


def test_sessions_are_bounded():
    sessions = SignedIn(Marks(ada="1"), most=3)
    for token in "abc":
        sessions[token] = "ada"
    assert sessions.get("a")
    sessions["d"] = "ada"
    assert sorted(sessions) == ["a", "c", "d"]


def test_a_user_that_is_removed_or_signs_out_is_out_at_once(tmp_path: Path):
    file = UsersFile(tmp_path / "users.json")
    for name in ("ada", "grace"):
        file.put(User.made(name, "correct horse", is_admin=name == "ada"))
    accounts = Users({}, UsersFile(file.path))
    studio = Studio(catalog(Brush()), tmp_path / "outputs")
    demo = page.build(studio, lambda request, _token: f"user-{request.username}")
    options = page.launch_options(studio, lambda request, _token: f"user-{request.username}", accounts=accounts)
    place = {"server_name": "127.0.0.1", "server_port": free_port(), "prevent_thread_lock": True, "quiet": True}
    _, url, _ = demo.launch(auth=accounts.admits, **place, **options)
    try:
        people = {}
        for name in ("ada", "grace"):
            people[name] = person = httpx.Client(base_url=url, headers={"X-Diorama-Token": ""})
            assert person.post("login", data={"username": name, "password": "wrong"}).status_code == 400
            assert person.post("login", data={"username": name, "password": "correct horse"}).status_code == 200
            assert person.post("diorama/account").json() == {"name": name, "admin": name == "ada"}
            assert person.get("config").status_code == 200
        file.remove("grace")
        assert people["grace"].post("diorama/account").status_code == 401
        assert people["grace"].get("config").status_code == 401
        cookies = dict(people["ada"].cookies)
        assert people["ada"].get("logout").status_code == 302
        assert httpx.post(f"{url}diorama/account", cookies=cookies, headers={"X-Diorama-Token": ""}).status_code == 401
        again = people["grace"].post("login", data={"username": "grace", "password": "correct horse"})
        assert again.status_code == 400
        for person in people.values():
            person.close()
    finally:
        page.close(demo)
        studio.close()
