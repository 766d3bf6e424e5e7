"""The host's page: who may open it, what it shows and does, and that everybody can use it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from commands.sharing.accounts import User, Users, UsersFile
from studio.contract import GenerateRequest
from studio.service import Studio
from tests.patience import PATIENCE_SECONDS
from tests.ports import free_port
from tests.studio.turning_fake import disc_png
from tests.ui.accessibility import violations
from tests.ui.painter import Brush, catalog
from ui import page
from ui.routes.admin import HOST_HEADER

KEY = "a-key-that-the-terminal-printed"
ACTIONS = ("state", "pause", "stop", "sign-out", "remove")
PASSWORD = "correct horse"


class Site:
    """A shared Diorama of Ada, an admin, and Grace."""

    def __init__(self, folder: Path) -> None:
        self.brush = Brush()
        self.studio = Studio(catalog(self.brush), folder / "outputs")
        file = UsersFile(folder / "users.json")
        for name in ("ada", "grace"):
            file.put(User.made(name, PASSWORD, is_admin=name == "ada"))
        accounts = Users({}, file)
        self.demo = page.build(self.studio, lambda request, _token: f"user-{request.username}")
        options = page.launch_options(
            self.studio, lambda request, _token: f"user-{request.username}", accounts=accounts, host_key=KEY
        )
        place = {"server_name": "127.0.0.1", "server_port": free_port(), "prevent_thread_lock": True, "quiet": True}
        _, self.url, _ = self.demo.launch(auth=accounts.admits, **place, **options)

    def person(self, name: str = "") -> httpx.Client:
        cookies = None
        if name:
            answer = httpx.post(f"{self.url}login", data={"username": name, "password": PASSWORD})
            assert answer.status_code == 200
            cookies = dict(answer.cookies)
        headers = {"X-Diorama-Token": ""}
        return httpx.Client(base_url=self.url, timeout=PATIENCE_SECONDS, headers=headers, cookies=cookies)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"))
    yield site
    site.brush.go()
    page.close(site.demo)
    site.studio.close()


def test_nobody_but_the_host_and_admins_is_told_anything(site: Site):
    site.studio.take_in("user-grace", disc_png(), "zephyr.png")
    with site.person() as stranger, site.person("grace") as grace, site.person("ada") as ada:
        for action in ACTIONS:
            for person, headers in (
                (stranger, {}),
                (grace, {}),
                (grace, {HOST_HEADER: "x"}),
                (stranger, {HOST_HEADER: ""}),
            ):
                answer = person.post(f"diorama/admin/{action}", json={"owner": "user-grace"}, headers=headers)
                assert answer.status_code == 401
                assert "link that Diorama printed in the terminal" in answer.json()["error"]
        for person, headers in ((ada, {}), (stranger, {HOST_HEADER: KEY})):
            answer = person.post("diorama/admin/state", json={}, headers=headers)
            assert [one["name"] for one in answer.json()["visitors"]] == ["grace"]
            assert "zephyr" not in answer.text  # what they made is theirs
        assert "zephyr" not in stranger.get("admin").text
        assert site.studio.count("user-grace") == 1
        foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", HOST_HEADER: KEY}
        assert ada.post("diorama/admin/pause", json={"paused": True}, headers=foreign).status_code == 403


def test_the_host_and_admins_manage_models_and_nobody_else(site: Site):
    with site.person("grace") as grace, site.person("ada") as ada:
        for person, headers, may in ((grace, {}, False), (ada, {}, True), (grace, {HOST_HEADER: KEY}, True)):
            seen = person.post("diorama/models", json={}, headers=headers).json()
            assert seen["may"] == may and all(bool(model["actions"]) <= may for model in seen["models"])
            wanted = {"id": "toy", "action": (seen["models"][0]["actions"] or ["load"])[0]}
            done = person.post("diorama/models/act", json=wanted, headers=headers)
            assert done.is_success == may, done.text


@pytest.mark.parametrize(
    ("action", "body", "status"),
    [
        ("pause", {}, 400),
        ("pause", {"paused": "yes"}, 400),
        ("stop", {"id": "nothing"}, 404),
        ("stop", {"id": [1]}, 400),
        ("remove", {"owner": "nobody"}, 404),
        ("remove", {}, 404),
        ("sign-out", {"owner": 3}, 400),
    ],
)
def test_what_is_not_there_is_one_sentence(site: Site, action: str, body: dict, status: int):
    with site.person() as host:
        answer = host.post(f"diorama/admin/{action}", json=body, headers={HOST_HEADER: KEY})
        assert answer.status_code == status and answer.json()["error"].endswith(".")


def test_the_host_sees_pauses_stops_signs_out_and_removes(site: Site, chrome: Browser):
    site.brush.hold()
    grace = site.person("grace")
    site.studio.take_in("user-grace", disc_png(), "disc.png")
    jobs = [site.studio.generate("user-grace", GenerateRequest("a red ball")) for _ in range(2)]
    context = chrome.new_context(viewport={"width": 1280, "height": 800})
    tab = context.new_page()
    tab.goto(f"{site.url}admin#{KEY}")
    rows, visitors = tab.locator(".jobs tbody tr"), tab.locator(".visitors tbody tr")
    expect(rows).to_have_count(2)
    expect(visitors).to_have_count(1)
    assert KEY not in tab.url
    assert violations(tab) == []
    tab.get_by_role("button", name="Pause").click()
    expect(tab.locator(".state")).to_have_text("Paused: new jobs wait.")
    rows.nth(1).get_by_role("button").click()
    expect(rows).to_have_count(1)
    assert site.studio.job("user-grace", jobs[1].id).state == "stopped"
    site.brush.go()
    expect(tab.locator(".none-waits")).to_be_visible()
    waiting = site.studio.generate("user-grace", GenerateRequest("a blue ball"))
    expect(rows).to_have_count(1)
    tab.get_by_role("button", name="Resume").click()
    expect(tab.locator(".state")).to_have_text("Open.")
    expect(tab.locator(".none-waits")).to_be_visible()
    assert site.studio.job("user-grace", waiting.id).state == "done"
    tab.get_by_role("button", name="Sign out: grace").click()
    expect(tab.locator(".trouble")).to_be_empty()
    tab.wait_for_function("!document.querySelector('.trouble').textContent")
    tab.once("dialog", lambda dialog: dialog.accept())
    tab.get_by_role("button", name="Remove: grace").click()
    expect(tab.locator(".none-came")).to_be_visible()
    assert grace.post("diorama/account").status_code == 401
    assert site.studio.count("user-grace") == 0
    context.close()
    grace.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible_and_fits_a_phone(site: Site, chrome: Browser, scheme: str):
    site.studio.take_in("user-grace", disc_png(), "disc.png")
    context = chrome.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
    tab = context.new_page()
    tab.goto(f"{site.url}admin")
    expect(tab.locator(".trouble")).to_contain_text("This is the admin page.")
    expect(tab.locator(".all")).to_be_hidden()
    assert violations(tab) == []
    tab.goto("about:blank")
    tab.goto(f"{site.url}admin#{KEY}")
    expect(tab.locator(".visitors tbody tr")).to_have_count(1)
    site.brush.hold()
    job = site.studio.generate("user-grace", GenerateRequest("a red ball"))
    expect(tab.locator(".jobs tbody tr")).to_have_count(1)
    assert violations(tab) == []
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    fits = "tables => tables.every((table) => table.scrollWidth <= table.clientWidth)"
    assert tab.locator(".wide").evaluate_all(fits), "a button is out of sight"
    site.studio.cancel("user-grace", job.id)
    site.brush.go()
    expect(tab.locator(".none-waits")).to_be_visible()
    context.close()
