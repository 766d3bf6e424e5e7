"""Providers on the page in Chromium: a pasted key, prices, the daily cap, better words, and what may stand in.

The providers' real SDKs ask a server on this machine; the only fake on ours is the painter.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Locator, expect

from providers import catalog as clouds
from providers.cloud import CloudSettings
from providers.keys import Keys
from studio.service import Studio
from tests.providers import wires
from tests.providers.clouds import PATIENT, TODAY, end_of_calls
from tests.providers.loopback import Provider, serving
from tests.providers.wires import png
from tests.ui.driver import PHONE, Visitor
from tests.ui.painter import Brush, catalog
from tests.ui.serve import everybody_by_token, served

CANARY = "sk-canary-5d1e-pasted"
FLARE = "GPT Image 2.6 Flare (OpenAI)"


class Site(NamedTuple):
    address: str
    studio: Studio
    provider: Provider
    keys: Keys
    outputs: Path


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with serving() as one:
        yield one


@pytest.fixture(scope="module")
def site(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    keys, outputs = Keys({}, (Path("/somewhere/.env"),)), tmp_path_factory.mktemp("outputs")
    connection = CloudSettings(addresses={"OpenAI": f"{provider.url}/v1", "Google": provider.url}, limits=PATIENT)
    models = (*catalog(Brush(0.005)), *clouds.models(keys, connection, today=lambda: TODAY))
    studio = Studio(models, outputs, clouds=clouds.accounts(keys, connection), daily_cap_usd=0.2)
    provider.says(wires.IMAGES, wires.openai_picture(png((1024, 1024))))
    with served(studio, everybody_by_token) as address:
        yield Site(address, studio, provider, keys, outputs)
    studio.close()


@pytest.fixture
def visitor(chrome: Browser, site: Site) -> Iterator[Visitor]:
    with Visitor.arrives(chrome, site.address) as visitor:
        yield visitor
    visitor.assert_nothing_went_wrong()


def card(visitor: Visitor) -> Locator:
    return visitor.page.locator("#about-here")


def line_of(visitor: Visitor, provider: str) -> Locator:
    return visitor.page.locator("#header .provider", has=visitor.page.get_by_text(provider, exact=True))


def open_card(visitor: Visitor) -> None:
    visitor.page.locator("#header .badge").click()
    expect(line_of(visitor, "OpenAI")).to_be_visible()


def close_card(visitor: Visitor) -> None:
    visitor.page.keyboard.press("Escape")
    expect(card(visitor)).to_be_hidden()


def paste(visitor: Visitor, key: str = CANARY, provider: str = "OpenAI") -> None:
    """Open the card, paste a key, see that it counts."""
    open_card(visitor)
    line = line_of(visitor, provider)
    line.locator("input").fill(key)
    line.get_by_role("button", name="Use it").click()
    expect(line.locator(".state")).to_have_text("yours, for this session")
    close_card(visitor)
    expect(visitor.page.locator("#improve .better")).to_be_visible()  # now the column knows as well


def choose(visitor: Visitor, label: str = FLARE) -> None:
    visitor.choose_model(f"{label} · about $0.053 a picture")
    expect(price(visitor)).to_contain_text("About $")


def models(visitor: Visitor) -> list[str]:
    visitor.page.locator("#model input").click()
    options = visitor.page.get_by_role("option")
    expect(options.first).to_be_visible()
    labels = options.all_inner_texts()
    visitor.page.locator("#model input").blur()
    expect(options).to_have_count(0)
    return labels


def enlarge(visitor: Visitor) -> None:
    visitor.stage.get_by_role("button", name="Enlarge").click()
    expect(visitor.viewer.locator(".facts dt").first).to_be_visible()


def price(visitor: Visitor) -> Locator:
    return visitor.page.locator("#price .words")


def needed(visitor: Visitor) -> Locator:
    return visitor.page.locator("#preflight .preflight")


def offered(visitor: Visitor) -> Locator:
    return visitor.page.locator("#price .offer")


def test_a_pasted_key_brings_its_models_and_a_picture_and_is_found_nowhere(
    visitor: Visitor, site: Site, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("DEBUG")
    assert not any("OpenAI" in label for label in models(visitor))
    open_card(visitor)
    line = line_of(visitor, "OpenAI")
    expect(line.locator(".state")).to_have_text("no key")
    expect(line.locator(".todo")).to_contain_text("To keep it permanently, add OPENAI_API_KEY=... to /somewhere/.env")
    line.locator("input").fill(CANARY)
    line.locator("input").press("Enter")
    expect(line.locator(".state")).to_have_text("yours, for this session")
    expect(line.locator("input")).to_be_hidden()
    expect(line.locator("input")).to_have_value("")
    expect(visitor.page.locator("#header .model.ok", has_text="GPT Image 2.6 Flare").first).to_be_visible()
    close_card(visitor)
    expect(visitor.page.locator("#improve .better")).to_be_visible()
    assert any(FLARE in label for label in models(visitor))

    choose(visitor)
    expect(price(visitor)).to_have_text("About $0.053")
    visitor.make("a fox in a teacup")
    assert site.provider.paid()[-1].headers["authorization"] == f"Bearer {CANARY}"
    expect(visitor.page.locator("#price .today")).to_contain_text("of $0.20 today")
    enlarge(visitor)
    expect(visitor.viewer.locator(".facts dt", has_text="Cost")).to_be_visible()
    expect(visitor.viewer.locator(".facts")).to_contain_text("$0.03")  # as billed: 1000 tokens out, 60 in

    secret = CANARY.encode()
    page = visitor.page
    assert CANARY not in page.content()
    assert CANARY not in page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert not any(secret in file.read_bytes() for file in site.outputs.rglob("*") if file.is_file())
    assert CANARY not in caplog.text
    for path in ("config", "gradio_api/info"):
        assert CANARY not in page.request.get(site.address + path).text()


def test_another_visitor_has_nothing_of_it(visitor: Visitor, chrome: Browser, site: Site):
    paste(visitor)
    with Visitor.arrives(chrome, site.address) as other:
        assert not any("OpenAI" in label for label in models(other))
        open_card(other)
        expect(line_of(other, "OpenAI").locator(".state")).to_have_text("no key")
        expect(other.page.locator("#improve .better")).to_be_hidden()
    expect(visitor.page.locator("#improve .better")).to_be_visible()


def test_a_key_is_forgotten_when_asked_and_its_chosen_model_says_what_it_needs(visitor: Visitor):
    paste(visitor)
    choose(visitor)
    open_card(visitor)
    line_of(visitor, "OpenAI").get_by_role("button", name="Forget").click()
    expect(line_of(visitor, "OpenAI").locator(".state")).to_have_text("no key")
    close_card(visitor)
    expect(needed(visitor)).to_contain_text("OpenAI needs an API key")
    expect(visitor.page.locator("#generate")).to_have_text("Needs a key")
    assert sum("OpenAI" in label for label in models(visitor)) == 1
    needed(visitor).get_by_role("button", name="Add a key for OpenAI").click()
    expect(line_of(visitor, "OpenAI").locator("input")).to_be_focused()


def test_what_can_be_no_key_is_refused_without_being_repeated(visitor: Visitor):
    open_card(visitor)
    line = line_of(visitor, "Google")
    line.locator("input").fill("my key is secret")
    line.get_by_role("button", name="Use it").click()
    trouble = visitor.page.locator("#header .card .trouble")
    expect(trouble).to_contain_text("This is not a valid Google key")
    expect(trouble).not_to_contain_text("secret")
    visitor.forgive("400 (Bad Request)")


def test_quality_and_background_are_offered_where_they_count_and_change_the_price(visitor: Visitor):
    page = visitor.page
    expect(page.locator("#quality")).to_be_hidden()
    expect(page.locator("#transparent")).to_be_hidden()
    expect(price(visitor)).to_be_hidden()
    paste(visitor)
    choose(visitor)
    expect(page.locator("#quality label")).to_have_text(["Low", "Medium", "High", "Higher", "Highest"])
    page.locator("#quality input[value='low']").check()
    expect(price(visitor)).to_have_text("About $0.006")
    page.locator("#count input[value='4']").check()
    expect(price(visitor)).to_have_text("About $0.024 for 4")
    page.locator("#transparent input").check()
    page.locator("#count input[value='1']").check()
    visitor.make("a fox")
    enlarge(visitor)
    expect(visitor.viewer.locator(".facts")).to_contain_text("transparent")
    expect(visitor.viewer.locator(".facts")).to_contain_text("Low")


def test_what_passes_the_daily_cap_is_asked_for_and_made_when_it_is_wanted(visitor: Visitor, site: Site):
    paste(visitor)
    choose(visitor)
    visitor.page.locator("#count input[value='4']").check()
    expect(price(visitor)).to_have_text("About $0.21 for 4")
    before = len(site.provider.paid())
    visitor.write("four foxes")
    visitor.page.locator("#generate").click()
    expect(offered(visitor)).to_contain_text(
        "This costs about $0.21; with today's $0.00 that is more than the daily cap"
    )
    assert len(site.provider.paid()) == before
    offered(visitor).get_by_role("button", name="Make it anyway").click()
    expect(visitor.pictures).to_have_count(4)
    assert len(site.provider.paid()) == before + 4
    expect(offered(visitor)).to_be_hidden()


def test_another_like_it_is_asked_about_before_it_costs(visitor: Visitor, site: Site):
    paste(visitor)
    choose(visitor)
    visitor.make("a fox")
    before = len(site.provider.paid())
    visitor.press("Vary")
    expect(visitor.toast).to_contain_text("Another one: about $0.053 at OpenAI.")
    assert len(site.provider.paid()) == before
    visitor.toast.get_by_role("button", name="Make it").click()
    expect(visitor.pictures).to_have_count(2)
    assert len(site.provider.paid()) == before + 1
    visitor.press("Use settings")  # of one whose key was pasted
    expect(visitor.page.locator("#model input")).to_have_value(f"{FLARE} · about $0.053 a picture")


def test_a_prompt_is_improved_and_can_be_had_back(visitor: Visitor, site: Site):
    paste(visitor)
    site.provider.says(wires.RESPONSES, wires.openai_words("a fox asleep in a teacup, morning light"))
    prompt, improve = visitor.page.locator("#prompt textarea"), visitor.page.locator("#improve")
    prompt.fill("a fox")
    improve.get_by_role("button", name="Improve with OpenAI").click()
    expect(prompt).to_have_value("a fox asleep in a teacup, morning light")
    expect(improve.locator(".said")).to_have_text("Improved")
    improve.get_by_role("button", name="Undo").click()
    expect(prompt).to_have_value("a fox")
    expect(improve.get_by_role("button", name="Undo")).to_be_hidden()


def test_improving_can_be_stopped(visitor: Visitor, site: Site):
    paste(visitor)
    site.provider.says(wires.RESPONSES, wires.openai_words("too late"))
    site.provider.hold = threading.Event()
    prompt, improve = visitor.page.locator("#prompt textarea"), visitor.page.locator("#improve")
    prompt.fill("a fox")
    improve.get_by_role("button", name="Improve with OpenAI").click()
    improve.get_by_role("button", name="Stop").click()
    expect(improve.locator(".said")).to_have_text("Stopped")
    site.provider.hold.set()
    end_of_calls()
    site.provider.hold = None
    expect(prompt).to_have_value("a fox")


def test_whoever_writes_on_keeps_the_focus_when_better_words_come(visitor: Visitor, site: Site):
    paste(visitor)
    site.provider.says(wires.RESPONSES, wires.openai_words("too late"))
    site.provider.hold = threading.Event()
    prompt, improve = visitor.page.locator("#prompt textarea"), visitor.page.locator("#improve")
    prompt.fill("a fox")
    improve.get_by_role("button", name="Improve with OpenAI").click()
    expect(improve.get_by_role("button", name="Stop")).to_be_focused()
    prompt.fill("a fox asleep")
    site.provider.hold.set()
    expect(improve.locator(".said")).to_contain_text("You kept typing")
    site.provider.hold = None
    expect(prompt).to_be_focused()


def test_a_picture_is_described_when_asked_and_found_by_it(visitor: Visitor, site: Site):
    visitor.page.locator("#model input").click()
    visitor.page.get_by_role("option", name="Toy painter").click()
    visitor.make("a red ball")
    enlarge(visitor)
    expect(visitor.viewer.locator(".described")).to_be_hidden()
    visitor.page.keyboard.press("Escape")
    paste(visitor)
    before = len(site.provider.paid())
    enlarge(visitor)
    describe = visitor.viewer.get_by_role("button", name="Describe with OpenAI")
    expect(describe).to_be_visible()
    assert len(site.provider.paid()) == before  # looking at it sends nothing
    site.provider.says(wires.RESPONSES, wires.openai_words("A walrus on velvet."))
    site.provider.requests.clear()
    site.provider.hold = threading.Event()
    describe.click()
    visitor.page.keyboard.press("F2")
    site.provider.hold.set()
    expect(visitor.viewer.get_by_role("button", name="Again with OpenAI")).to_be_visible()
    site.provider.hold = None
    expect(visitor.viewer.locator(".rename-box")).to_be_focused()  # whoever writes there meanwhile goes on
    visitor.page.keyboard.press("Escape")
    seen = visitor.viewer.locator(".seen").inner_text()
    visitor.page.keyboard.press("Escape")
    visitor.open_gallery()
    visitor.search(seen.split()[-1].strip("."), "1 picture")


def test_a_model_that_cannot_run_here_offers_one_that_can_and_sends_nothing(visitor: Visitor, site: Site):
    paste(visitor)
    before = len(site.provider.paid())
    visitor.choose_model("Big painter · needs a GPU with 13 GB")
    expect(needed(visitor)).to_contain_text("Big painter needs a GPU with 13 GB.")
    use = needed(visitor).get_by_role("button", name="(OpenAI), about $")
    label = use.inner_text().removeprefix("Use ").partition(", about")[0]
    use.click()
    expect(visitor.page.locator("#model input")).to_have_value(f"{label} · about $0.053 a picture")
    expect(price(visitor)).to_have_text("About $0.053")
    assert len(site.provider.paid()) == before


def test_on_a_phone_the_keys_can_be_reached(chrome: Browser, site: Site):
    with Visitor.arrives(chrome, site.address, **PHONE) as visitor:
        paste(visitor)
        expect(visitor.page.locator("#improve .better")).to_be_visible()
    visitor.assert_nothing_went_wrong()
