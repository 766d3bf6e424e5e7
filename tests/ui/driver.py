"""A visitor of the page: what a person does and sees, in words, on top of Playwright."""

from __future__ import annotations

import base64
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    Request,
    Response,
    expect,
)

from studio.recipe import is_asset_id
from tests.patience import PATIENCE_SECONDS, settled
from tests.ui.painter import Brush
from tests.ui.tabs import borrowed_tab

WAIT_MS = 1000 * PATIENCE_SECONDS
expect.set_options(timeout=WAIT_MS)
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
JOBS_AND_PICTURES = "#stage .tiles li"
DROP = """([files, place]) => {
  const transfer = new DataTransfer(), node = document.querySelector(place);
  for (const [name, data] of files) {
    transfer.items.add(new File([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))], name));
  }
  for (const name of ["dragenter", "dragover", "drop"]) {
    node.dispatchEvent(new DragEvent(name, { bubbles: true, cancelable: true, dataTransfer: transfer }));
  }
}"""
NOT_FOUND = "Failed to load resource: the server responded with a status of 404 (Not Found)"
SAVED = "localStorage['diorama-generate'] || ''"
ALL_SAVED = f"""async () => {{
  for (let before = null; before !== ({SAVED});) {{
    before = {SAVED};
    await new Promise((later) => setTimeout(later, 300));
  }}
}}"""


class Visitor:
    """One browser with storage of its own, and one tab in it."""

    def __init__(self, context: BrowserContext, address: str, page: Page | None = None) -> None:
        self.context = context
        self.address = address
        self.troubles: list[str] = []
        self.token = ""
        self._deleted: set[str] = set()
        self._excused: list[str] = []  # paths of questions about what was just deleted
        self._refused: list[tuple[str, str]] = []  # id of an asset that was not found, and what the console told
        context.set_default_timeout(WAIT_MS)
        self.page = self._open(page or context.new_page())

    @classmethod
    @contextmanager
    def arrives(cls, chrome: Browser, address: str, **options: Any) -> Iterator[Visitor]:
        """Opens the page; options as for `Browser.new_context`."""
        with borrowed_tab(chrome, address, {"viewport": {"width": 1280, "height": 800}} | options) as page:
            visitor = cls(page.context, address, page)
            yield visitor
            visitor.look_away()

    def stay(self) -> None:
        """End what one test did, so that the next goes on with the same page: to load it again takes seconds."""
        for other in self.context.pages:
            if other is not self.page:
                other.close()
        self.context.set_offline(False)
        self.page.unroute_all(behavior="ignoreErrors")
        self.assert_nothing_went_wrong()

    def open_tab(self) -> Page:
        return self._open(self.context.new_page())

    def look_away(self) -> None:
        """Hear no more of the first tab."""
        for event, hear in self._ears.items():
            self.page.remove_listener(event, hear)

    def reload(self) -> None:
        self.page.reload()
        self._wait_until_ready(self.page)

    def assert_nothing_went_wrong(self) -> None:
        refused = [told for asset_id, told in self._refused if asset_id not in self._deleted]
        troubles, self.troubles, self._refused = self.troubles + refused, [], []
        excused = Counter(f"console: {NOT_FOUND} {path}" for path in self._excused)
        troubles, self._excused = [*(Counter(troubles) - excused).elements()], []
        assert not troubles, "\n".join(troubles)

    def forgive(self, text: str, times: int = 1) -> None:
        """The browser's console tells of every refused request, some time later: wait for these, and forget them."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (told := sum(text in trouble for trouble in self.troubles)) < times:
            assert time.monotonic() < deadline, f"told {told} of {times} times: {text}"
            self.page.wait_for_timeout(20)
        self.troubles = [trouble for trouble in self.troubles if text not in trouble]

    def expect_deleted(self, ids: Iterable[str]) -> None:
        """These pictures leave: what the page still asked for of them may be refused."""
        self._deleted.update(ids)

    # --- what a person does -------------------------------------------------------------------------------------------

    def write(self, prompt: str) -> None:
        self.page.locator("#prompt textarea").fill(prompt)

    def generate(self, prompt: str) -> None:
        """Write, press, and see that the job was taken, however fast its picture is there."""
        self.write(prompt)
        before = self.page.locator(JOBS_AND_PICTURES).count()
        self.page.locator("#generate").click()
        self.page.wait_for_function(
            "([tiles, before]) => document.querySelectorAll(tiles).length > before", arg=[JOBS_AND_PICTURES, before]
        )

    def make(self, prompt: str) -> None:
        """Make one picture and wait until it stands on the stage, with all its pixels. The brush must be going."""
        before = self.pictures.count()
        self.write(prompt)
        self.page.locator("#generate").click()
        expect(self.pictures).to_have_count(before + 1)
        expect(self.made).to_be_visible()
        for image in (self.image, self.pictures.first.locator("img")):  # of one that is deleted they would be refused
            expect(image).to_have_js_property("complete", True)

    def press(self, name: str) -> None:
        """Press a button of the stage by its name."""
        self.stage.get_by_role("button", name=name, exact=True).click()

    def choose_model(self, label: str) -> None:
        self.page.locator("#model input").click()
        self.page.get_by_role("option", name=label).click()

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Do something, and wait until the browser has kept the settings."""
        settled(self.page, ALL_SAVED)  # what was set before is kept by now
        before = self.page.evaluate(SAVED)
        yield
        self.page.wait_for_function(f"before => ({SAVED}) !== before", arg=before)

    def open_more(self) -> None:
        self.more.click()
        expect(self.page.locator("#seed")).to_be_visible()

    def open_gallery(self) -> None:
        self.page.get_by_role("tab", name="Gallery").click()
        expect(self.page.locator("#gallery .gallery")).to_be_visible()

    def search(self, words: str, found: str) -> None:
        """Type into the gallery's search and see how much is found."""
        self.page.locator("#gallery .query").fill(words)
        expect(self.count).to_have_text(found)

    def drop(self, *files: Path, on: str = "body") -> None:
        """Drop files from the disk onto a place of the page."""
        told = [(file.name, base64.b64encode(file.read_bytes()).decode()) for file in files]
        self.page.evaluate(DROP, [told, on])

    # --- what a person sees -------------------------------------------------------------------------------------------

    @property
    def stage(self) -> Locator:
        return self.page.locator("#stage")

    @property
    def image(self) -> Locator:
        return self.page.locator("#stage .shown")

    @property
    def made(self) -> Locator:
        """The line under a finished picture."""
        return self.page.locator("#stage .made")

    @property
    def forming(self) -> Locator:
        return self.page.locator("#stage .forming")

    @property
    def step(self) -> Locator:
        return self.page.locator("#stage .step")

    @property
    def jobs(self) -> Locator:
        return self.page.locator("#stage .jobs li")

    @property
    def pictures(self) -> Locator:
        return self.page.locator("#stage .pictures li")

    @property
    def more(self) -> Locator:
        """What stands on the fold around the finer controls."""
        return self.page.locator("#more > button > span").first

    @property
    def spoken(self) -> Locator:
        """What a screen reader says."""
        return self.page.locator("#stage .spoken")

    @property
    def note(self) -> Locator:
        """The sentence near the button."""
        return self.page.locator("#note .note")

    @property
    def count(self) -> Locator:
        """How many pictures the gallery says it has."""
        return self.page.locator("#gallery .count")

    @property
    def cells(self) -> Locator:
        """The pictures of the gallery that are in the document."""
        return self.page.locator("#gallery .cell:not(.place)")

    @property
    def viewer(self) -> Locator:
        return self.page.get_by_role("dialog")

    @property
    def large(self) -> Locator:
        """The picture in the viewer."""
        return self.page.locator("#viewer .large")

    @property
    def toast(self) -> Locator:
        return self.page.locator(".toasts > .toast")

    def source(self) -> str:
        """Where the picture on the stage comes from: a data address while it forms."""
        return self.image.get_attribute("src") or ""

    def see_step(self, brush: Brush, steps: int, text: str) -> str:
        """Let the painter go on by `steps`, see it said, and return the preview."""
        brush.let(steps)
        expect(self.step).to_have_text(text)
        return self.source()

    def _open(self, page: Page) -> Page:
        for event, hear in self._ears.items():
            page.on(event, hear)  # type: ignore[call-overload]  # it names each event by itself
        page.goto(self.address)
        self._wait_until_ready(page)
        return page

    @property
    def _ears(self) -> dict[str, Callable[..., None]]:
        return {"console": self._hear, "pageerror": self._fail, "request": self._note, "response": self._learn}

    def _wait_until_ready(self, page: Page) -> None:
        expect(page.locator("#generate")).to_be_attached()  # hidden where the address says another tab
        expect(page.locator("#stage .scene[data-told]")).to_be_attached()
        expect(page.locator("[inert]")).to_have_count(0)  # all scripts are there

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        place = urlsplit(message.location["url"]).path
        asset_id, told = place.rpartition("/")[2], f"console: {message.text} {place}"
        if "/diorama/" in place and is_asset_id(asset_id) and "404" in message.text:
            self._refused.append((asset_id, told))  # that it was deleted may be known later
        else:
            self.troubles.append(told)

    def _learn(self, response: Response) -> None:
        if response.url.endswith("diorama/tree/delete") and response.ok:
            self.expect_deleted(response.json()["ids"])
        asked = response.request.post_data or ""
        if response.status == 404 and any(asset_id in asked for asset_id in self._deleted):
            self._excused.append(urlsplit(response.url).path)

    def _fail(self, error: Error) -> None:
        self.troubles.append(f"script error: {error}")

    def _note(self, request: Request) -> None:
        self.token = request.headers.get("x-diorama-token", self.token)
        if request.url.endswith("diorama/pictures/delete"):
            self.expect_deleted((request.post_data_json or {})["ids"])
        if request.url.endswith("diorama/splat/turn"):  # another one takes its place
            self.expect_deleted([(request.post_data_json or {})["splat"]])
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.troubles.append(f"left the machine: {request.url}")
