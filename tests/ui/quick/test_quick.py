"""The quick page: words in, a picture out, by keyboard alone; and that browsers can install it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from studio.service import Studio
from tests.patience import settled, wait_until
from tests.ui.accessibility import violations
from tests.ui.driver import Visitor
from tests.ui.painter import Brush, catalog
from tests.ui.serve import served
from ui.shared.scripts import SCRIPTS

COPIED = """async () => {
  const [item] = await navigator.clipboard.read();
  return (await createImageBitmap(await item.getType("image/png"))).width;
}"""


@pytest.fixture
def quick(regular: Visitor) -> Iterator[Page]:
    """The quick page beside somebody's open one."""
    tab = regular.context.new_page()
    tab.on("pageerror", regular._fail)
    tab.goto(f"{regular.address}quick")
    expect(tab.locator("#model option").first).to_be_attached()
    yield tab
    tab.close()


def test_words_become_a_picture_by_keyboard_alone(quick: Page, regular: Visitor, brush: Brush):
    keys, made = quick.keyboard, quick.locator(".made")
    expect(quick.locator("#words")).to_be_focused()
    brush.hold()
    keys.type("a red ball on a zebra")
    keys.press("Enter")
    brush.let(2)
    expect(quick.locator(".step")).to_have_text("Step 2 of 8")
    assert (quick.locator(".shown").get_attribute("src") or "").startswith("data:image/jpeg")
    expect(quick.locator(".note")).to_contain_text("does not know: zebra")
    assert violations(quick) == []
    brush.go()
    expect(made).to_be_visible()
    expect(quick.locator(".told")).to_have_text("Picture ready: a red ball on a zebra")
    expect(quick.locator(".shown")).to_have_js_property("naturalWidth", 128)
    quick.context.grant_permissions(["clipboard-read", "clipboard-write"])
    keys.press("Control+c")
    expect(quick.locator(".toast")).to_have_text("Picture copied")
    assert settled(quick, COPIED) == 128
    with quick.expect_download() as saving:
        keys.press("Control+s")
    assert saving.value.suggested_filename.endswith(".png")
    with quick.context.expect_page() as opening:
        keys.press("Control+o")
    opening.value.wait_for_url(re.compile("#picture="))
    opening.value.close()
    expect(regular.pictures).to_have_count(1)  # it is one person

    keys.press("Control+a")
    keys.press("Delete")
    keys.press("ArrowUp")
    expect(quick.locator("#words")).to_have_value("a red ball on a zebra")
    brush.hold()
    keys.press("Enter")
    brush.let(1)
    expect(quick.locator(".step")).to_have_text("Step 1 of 8")
    keys.press("Escape")
    expect(quick.locator(".step")).to_have_text("Stopping")  # only now has the model heard of it
    brush.go()
    expect(quick.locator(".told")).to_have_text("Stopped")
    expect(made).to_be_visible()
    keys.press("Control+a")
    keys.type("an impossible ball")
    keys.press("Enter")
    expect(quick.locator(".banner")).to_have_text("The painter cannot paint 'impossible'. Ask for a ball.")


def test_what_is_asked_for_before_the_models_are_known_is_made_once_they_are(regular: Visitor, brush: Brush):
    brush.go()
    tab = regular.context.new_page()
    held: list[Route] = []
    tab.route("**/quick/models", lambda route: held.append(route))
    with tab.expect_request("**/quick/models"):
        tab.goto(f"{regular.address}quick")
    expect(tab.locator("#words")).to_be_focused()
    tab.keyboard.type("a blue ball")
    tab.keyboard.press("Enter")
    expect(tab.locator(".note")).to_have_text("Getting ready…")
    held[0].continue_()
    expect(tab.locator(".told")).to_have_text("Picture ready: a blue ball")
    expect(tab.locator(".banner")).to_be_empty()
    tab.close()


def test_what_one_agrees_to_pay_for_is_what_was_asked_about(quick: Page):
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append((route.request.post_data_json or {})["prompt"])
        route.fulfill(status=402, json={"error": "This costs more than agreed.", "confirm": True})

    quick.route("**/diorama/quick/make", refuse)
    quick.locator("#words").fill("a red ball")
    quick.keyboard.press("Enter")
    agree = quick.get_by_role("button", name="Make it anyway")
    expect(agree).to_be_visible()
    quick.locator("#words").fill("a blue ball")
    agree.click()
    wait_until(lambda: len(asked) == 2 or quick.wait_for_timeout(10))
    assert asked == ["a red ball", "a red ball"]


def test_it_fits_a_phone_can_be_read_and_keeps_the_model(quick: Page):
    quick.emulate_media(color_scheme="dark")
    quick.set_viewport_size({"width": 390, "height": 844})
    expect(quick.locator("html")).to_have_class("dark")
    assert violations(quick) == []
    assert quick.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert "Big painter" not in quick.locator("#model").inner_text()  # it cannot run here
    quick.locator("#model").select_option(label="Full painter")
    quick.reload()
    expect(quick.locator("#model")).to_have_value("full")


def test_whoever_has_to_sign_in_does_it_there_and_stays_there(chrome: Browser, tmp_path: Path):
    studio, owner_of = Studio(catalog(Brush()), tmp_path), lambda request, _token: f"user-{request.username}"
    with served(studio, owner_of, auth=("ada", "lovelace")) as address:
        page = chrome.new_page()
        page.goto(f"{address}quick?next=https://example.org/#https://example.org/")
        entry, words, enter = page.locator(".entry"), page.locator("#words"), page.get_by_role("button", name="Sign in")
        expect(page.get_by_label("Name")).to_be_focused()
        expect(words).to_be_hidden()
        assert violations(page) == []
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill("wrong")
        enter.click()
        expect(page.locator(".banner")).to_have_text("Wrong name or password. Try again.")
        page.get_by_label("Password").fill("lovelace")
        enter.click()
        expect(words).to_be_focused()
        expect(entry).to_be_hidden()
        expect(page.locator(".banner")).to_be_empty()
        assert page.url.startswith(f"{address}quick?")
        expect(page.locator(".empty")).to_be_visible()  # the page hears from the server again
        page.keyboard.type("a red ball")
        page.keyboard.press("Enter")
        expect(page.locator(".told")).to_have_text("Picture ready: a red ball")
        expect(page.locator(".shown")).to_have_js_property("naturalWidth", 128)
        page.keyboard.press("Control+a")
        page.keyboard.type("a green")
        page.context.clear_cookies()  # as after the host has ended the session
        page.keyboard.press("Enter")
        expect(page.get_by_label("Name")).to_be_visible()
        page.close()
    studio.close()


def test_it_opens_where_diorama_does_not_answer_and_says_so(quick: Page):
    quick.wait_for_function("navigator.serviceWorker.ready.then(() => true)")
    quick.reload()
    quick.wait_for_function("navigator.serviceWorker.controller")
    quick.context.set_offline(True)
    quick.reload()
    expect(quick.locator(".banner")).to_contain_text("Trying again")
    quick.context.set_offline(False)
    expect(quick.locator(".banner")).to_be_empty()
    expect(quick.locator("#model option").first).to_be_attached()


def test_what_a_browser_needs_to_install_it_is_there_for_everybody(address: str):
    page = httpx.get(f"{address}quick")
    assert "gradio" not in re.sub(r"gradio-(container|app)", "", page.text)  # which sheets of both pages name
    about = urljoin(address, "diorama/quick/manifest.json")
    manifest = json.loads(httpx.get(about).text)
    assert {urljoin(about, manifest[name]) for name in ("id", "start_url", "scope")} == {f"{address}quick"}
    for icon in manifest["icons"]:
        assert httpx.get(urljoin(about, icon["src"])).headers["content-type"] == "image/png"
    worker = httpx.get(f"{address}diorama/quick/worker.js")
    assert urljoin(str(worker.url), worker.headers["service-worker-allowed"]) == f"{address}quick"
    scripts = page.text.split(f'"{SCRIPTS}/ui/')[1:]
    assert {each.partition('"')[0] for each in scripts} >= {"quick/quick.js", "shared/scripts/watcher.js"}


def test_what_cannot_be_made_is_refused_with_a_sentence(address: str):
    asking = {"X-Diorama-Token": "a-visitor-of-the-quick-page"}
    for question, said in (({}, "'model'"), ({"model": "toy"}, "'prompt'"), ({"model": "no", "prompt": "x"}, "no")):
        answer = httpx.post(f"{address}diorama/quick/make", json=question, headers=asking)
        assert answer.status_code in (400, 404) and said in answer.json()["error"]
    answer = httpx.post(f"{address}diorama/quick/make", json={"model": "toy", "prompt": " "}, headers=asking)
    assert "prompt is empty" in answer.json()["error"]
