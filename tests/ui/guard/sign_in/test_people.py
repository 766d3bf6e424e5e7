"""Signing in with Hugging Face on a Space: real HTTP there and back, and what the token may and may not do."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, expect

import app
from commands.sharing import identity
from providers import catalog as clouds
from providers.hugging_face.record import ACCOUNT
from providers.hugging_face.sign_in import HuggingFacePerson, HuggingFaceSignIn
from providers.keys import Keys
from studio.errors import NotReady
from studio.service import Studio
from tests.patience import PATIENCE_SECONDS
from tests.ports import free_port
from tests.studio.turning_fake import disc_png
from tests.ui.guard.sign_in.openid_provider import OpenIdProvider
from tests.ui.painter import Brush, catalog
from ui import page
from ui.guard.origins import SIGNED_IN
from ui.guard.sign_in.people import SESSION, SIGNING_IN, People
from ui.routes.admin import HOST_HEADER

TOKEN = "0123456789abcdef0123456789abcdef"
KEY = "a-key-that-the-terminal-printed"


class Site:
    """A Space with `hf_oauth`, as `app.py` puts it together."""

    def __init__(self, folder: Path, provider: OpenIdProvider) -> None:
        self.provider, self.outputs = provider, folder / "outputs"
        self.keys = Keys({}, lend=False)
        self.studio = Studio(catalog(Brush(0.005)), self.outputs, clouds=clouds.accounts(self.keys))
        options = app.parse([])
        people = identity.people_of(self.studio, options)
        identify = identity.identify_by(options, people)
        self.demo = page.build(self.studio, identify)
        place = {"server_name": "127.0.0.1", "server_port": free_port(), "prevent_thread_lock": True, "quiet": True}
        more = page.launch_options(self.studio, identify, people=people, is_shared=True, host_key=KEY)
        _, self.url, _ = self.demo.launch(**place, **more)

    def browser(self) -> httpx.Client:
        headers = {"X-Diorama-Token": TOKEN, "Sec-Fetch-Site": "same-origin"}
        return httpx.Client(base_url=self.url, timeout=PATIENCE_SECONDS, headers=headers)

    def token_of(self, owner: str) -> str | None:
        key = self.keys.find(owner, ACCOUNT)
        return key and key.value


class Visitor:
    """Follows redirects as a browser in a frame does. httpx sends back no cookie that is Secure to a plain address."""

    def __init__(self, site: Site) -> None:
        self.site, self.cookies = site, dict[str, str]()

    def get(self, address: str, **headers: str) -> httpx.Response:
        answer = httpx.get(address, headers=headers | self._cookie, timeout=PATIENCE_SECONDS)
        for header in answer.headers.get_list("set-cookie"):
            assert header.endswith("HttpOnly; SameSite=None; Secure; Partitioned")
            name, _, value = header.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def post(self, path: str, values: dict | None = None, **headers: str) -> httpx.Response:
        headers = {"X-Diorama-Token": TOKEN} | headers | self._cookie
        return httpx.post(f"{self.site.url}{path}", json=values or {}, headers=headers, timeout=PATIENCE_SECONDS)

    @property
    def _cookie(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}

    def come_back(self) -> str:
        """Go to the provider. Returns where it sends the browser."""
        there = self.get(f"{self.site.url}diorama/sign-in", **{"Sec-Fetch-Site": "same-origin"})
        assert there.status_code == 303 and there.headers["cache-control"] == "no-store"
        return self.get(there.headers["location"]).headers["location"]

    def sign_in(self) -> httpx.Response:
        return self.arrive(self.come_back())

    def arrive(self, address: str) -> httpx.Response:
        foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
        return self.get(address, **foreign)

    @property
    def name(self) -> str:
        return self.post("diorama/account").json()["name"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with OpenIdProvider().serving() as provider, pytest.MonkeyPatch.context() as patch:
        for name, value in provider.environment.items():
            patch.setenv(name, value)
        site = Site(tmp_path_factory.mktemp("site"), provider)
        yield site
        page.close(site.demo)
        site.studio.close()


@pytest.fixture
def ada(site: Site) -> Iterator[Visitor]:
    site.provider.person, site.provider.refuses, site.provider.expires_in = "ada", False, 28_800
    visitor = Visitor(site)
    yield visitor
    visitor.post("diorama/sign-out")


def test_who_signs_in_owns_what_they_make_and_their_token_pays(site: Site, ada: Visitor):
    assert ada.post("diorama/account").json() == {"name": "", "admin": False, "with": "Hugging Face"}
    back = ada.sign_in()
    assert (back.status_code, back.headers["location"]) == (303, site.url)
    asked = site.provider.asked[-1]
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert asked["scope"] == "openid profile inference-api"
    assert ada.name == "ada"
    token = site.token_of("hf-id-of-ada")
    assert token and site.provider.tokens[token] == "ada"
    kept = site.studio.take_in("hf-id-of-ada", disc_png(), "disc.png")
    assert httpx.get(f"{site.url}diorama/picture/{kept.id}", headers={"X-Diorama-Token": TOKEN}).status_code == 404
    assert ada.get(f"{site.url}diorama/picture/{kept.id}", **{"X-Diorama-Token": TOKEN}).status_code == 200
    said = ada.post("diorama/clouds").json()["providers"]
    assert {each["provider"]: bool(each["source"]) for each in said}["Hugging Face"]
    assert ada.post("diorama/sign-out").status_code == 204
    assert ada.name == "" and site.token_of("hf-id-of-ada") is None
    assert ada.get(f"{site.url}diorama/picture/{kept.id}", **{"X-Diorama-Token": TOKEN}).status_code == 404


def test_the_token_is_on_no_page_in_no_log_and_in_no_file(site: Site, ada: Visitor, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    answers = [ada.sign_in()]
    token = site.token_of("hf-id-of-ada")
    assert token
    site.studio.take_in("hf-id-of-ada", disc_png(), "disc.png")
    paths = ("account", "clouds", "readiness", "models", "watch", "keys", "admin/state")
    answers += [ada.post(f"diorama/{path}", **{HOST_HEADER: KEY}) for path in paths]
    answers += [ada.get(site.url), ada.get(f"{site.url}config")]
    held = [each.text + str(each.headers) for each in answers] + [str(ada.cookies), caplog.text]
    held += [file.read_bytes().decode("latin-1") for file in site.outputs.rglob("*") if file.is_file()]
    held += [
        repr(site.keys),
        repr(site.keys.find("hf-id-of-ada", ACCOUNT)),
        repr(HuggingFacePerson("1", "ada", token, 1.0)),
    ]
    for part in (token, token[:30], token.partition(".")[2]):
        assert not any(part in each for each in held)


def test_two_sessions_of_one_person_end_one_by_one(site: Site, ada: Visitor):
    ada.sign_in()
    elsewhere = Visitor(site)
    elsewhere.sign_in()
    assert ada.cookies[SESSION] != elsewhere.cookies[SESSION]
    elsewhere.post("diorama/sign-out")
    assert ada.name == "ada" and site.token_of("hf-id-of-ada") is not None
    site.provider.person = "grace"
    elsewhere.sign_in()
    assert (ada.name, elsewhere.name) == ("ada", "grace")
    assert site.token_of("hf-id-of-ada") != site.token_of("hf-id-of-grace")
    for action in ("sign-out", "sign-out"):  # the host's, and nobody is there the second time
        host = {HOST_HEADER: KEY}
        assert elsewhere.post(f"diorama/admin/{action}", {"owner": "hf-id-of-grace"}, **host).status_code == 200
    assert (ada.name, elsewhere.name) == ("ada", "") and site.token_of("hf-id-of-grace") is None


def test_a_code_is_taken_from_the_browser_that_went_for_it_only_and_once(site: Site, ada: Visitor):
    theirs = Visitor(site).come_back()  # a page that sends its visitors to the end of somebody else's flow
    refused = ada.arrive(theirs)
    assert refused.status_code == 400 and "not the browser that began to sign in" in refused.text
    assert ada.name == "" and SESSION not in ada.cookies
    back = ada.come_back()
    assert ada.arrive(back).status_code == 303
    signing_in = ada.cookies[SIGNING_IN]
    again = Visitor(site)
    assert (signing_in, again.arrive(back).status_code) == ("", 400)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "not the browser"),
        ("?state=&code=x", "not the browser"),
        ("?state={state}&error=access_denied", "You did not sign in with Hugging Face"),
        ("?state={state}&code=wrong", "it answered 400"),
        ("?state={state}&code=%3Cscript%3E", "it answered 400"),
    ],
)
def test_what_did_not_work_is_one_sentence_with_a_way_back(site: Site, ada: Visitor, query: str, sentence: str):
    state = dict(parse_qsl(urlsplit(ada.come_back()).query))["state"]
    answer = ada.arrive(f"{site.url[:-1]}{SIGNED_IN}{query.format(state=state)}")
    assert answer.status_code == 400 and sentence in answer.text
    assert "Back to Diorama" in answer.text and "<script" not in answer.text
    assert ada.name == ""


def test_only_the_end_of_the_flow_may_come_from_a_foreign_page(site: Site):
    foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    assert httpx.get(f"{site.url}diorama/sign-in", headers=foreign).status_code == 403
    assert httpx.post(f"{site.url}diorama/sign-out", headers=foreign).status_code == 403
    assert httpx.post(f"{site.url[:-1]}{SIGNED_IN}", headers=foreign).status_code == 403
    assert httpx.get(f"{site.url[:-1]}{SIGNED_IN}", headers=foreign | {"Sec-Fetch-Dest": "image"}).status_code == 403


def test_on_a_space_the_way_back_is_to_the_host_that_is_registered(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SPACE_HOST", "someone-diorama.hf.space, diorama.example")
    there = httpx.get(f"{site.url}diorama/sign-in").headers["location"]
    asked = dict(parse_qsl(urlsplit(there).query))
    assert asked["redirect_uri"] == f"https://someone-diorama.hf.space{SIGNED_IN}"


@pytest.mark.parametrize("expires_in", [0, -1, "soon", None, 1.5])
def test_a_provider_that_says_nonsense_signs_nobody_in(site: Site, ada: Visitor, expires_in: object):
    site.provider.expires_in = expires_in
    answer = ada.sign_in()
    assert answer.status_code == 400 and "did not say for how long" in answer.text
    assert ada.name == ""


def test_a_provider_that_is_gone_is_one_sentence():
    with OpenIdProvider().serving() as provider:
        url = provider.url
    provider.server_close()
    with pytest.raises(NotReady, match="it does not answer"):
        HuggingFaceSignIn("id", "secret", "openid", url).person("code", "verifier", "https://x")


class Directory:
    """A provider without HTTP: a code is the name."""

    provider = "Directory"

    def address(self, state: str, verifier: str, redirect_uri: str) -> str:
        return state

    def person(self, code: str, verifier: str, redirect_uri: str) -> HuggingFacePerson:
        return HuggingFacePerson(code, code, f"token of {code}", 100.0)


def test_a_session_ends_with_its_token():
    now, kept = 0.0, dict[str, str]()
    people = People(Directory(), kept.__setitem__, lambda: now)

    def signed(name: str) -> dict[str, str]:
        state, cookie = people.begin("x")
        return {SESSION: people.finish(cookie, state, name, "x")[0]}

    ada = signed("ada")
    now = 99.0
    grace = signed("grace")
    assert (people.owner_of(ada), people.owner_of(grace), people.owner_of({})) == ("hf-ada", "hf-grace", None)
    now = 100.0
    assert people.owner_of(ada) is None and people.owner_of(grace) == "hf-grace"
    assert kept == {"hf-ada": "", "hf-grace": "token of grace"}
    assert people.owners() == {"hf-grace"}


@pytest.mark.parametrize("missing", ["SPACE_ID", "OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET"])
def test_elsewhere_nobody_is_asked(studio: Studio, monkeypatch: pytest.MonkeyPatch, missing: str):
    environment = {"SPACE_ID": "a/b", "OAUTH_CLIENT_ID": "1", "OAUTH_CLIENT_SECRET": "2"}
    for name, value in environment.items():
        monkeypatch.delenv(name, raising=False) if name == missing else monkeypatch.setenv(name, value)
    assert identity.people_of(studio, argparse.Namespace(auth=[], users=None, open=True)) is None


def test_a_person_signs_in_and_out_on_the_page(site: Site, ada: Visitor, chrome: Browser):
    context = chrome.new_context(viewport={"width": 1280, "height": 800})
    tab = context.new_page()
    tab.goto(site.url)
    expect(tab.locator("#stage .scene[data-told]")).to_be_attached()
    tab.locator("#header .badge").click()
    tab.get_by_role("link", name="Sign in with Hugging Face").click()
    tab.wait_for_url(site.url)
    expect(tab.locator("#stage .scene[data-told]")).to_be_attached()
    tab.locator("#header .badge").click()
    expect(tab.locator("#about-here .account")).to_contain_text("Signed in as ada.")
    row = tab.locator("#about-here .provider", has_text="Hugging Face")
    expect(row).to_contain_text("yours, for this session")
    (cookie,) = [each for each in context.cookies() if each["name"] == SESSION]
    assert cookie["httpOnly"] and cookie["secure"] and cookie["sameSite"] == "None"
    tab.get_by_role("button", name="Sign out").click()
    expect(tab.locator("#about-here")).to_be_hidden()
    expect(tab.locator("#stage .scene[data-told]")).to_be_attached()
    tab.locator("#header .badge").click()
    expect(tab.get_by_role("link", name="Sign in with Hugging Face")).to_be_visible()
    context.close()
