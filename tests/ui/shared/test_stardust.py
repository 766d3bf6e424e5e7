"""The look Stardust: chosen in the settings, readable with any star behind any letter, off where it must be calm."""

from __future__ import annotations

import re
from itertools import product

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.ui.accessibility import violations
from tests.ui.driver import Visitor
from ui.shared.edition import ROOT

Colour = tuple[float, float, float]
_SHEETS = ("style/palette.css", "stardust/stardust.css")
STYLE = "\n".join((ROOT / "ui/shared" / name).read_text(encoding="utf-8") for name in _SHEETS)
SKY = (ROOT / "ui/shared/stardust/sky.js").read_text(encoding="utf-8")
LIGHT, DARK = ":root {", ".dark {"


def variables(*blocks: str) -> dict[str, str]:
    """What the blocks that begin so set, later ones over earlier ones."""
    told: dict[str, str] = {}
    for block in blocks:
        told |= re.findall(r"(--d-[\w-]+): ([^;]+);", STYLE.partition(f"\n{block}")[2].partition("}")[0])
    return told


def colour(text: str) -> Colour:
    assert re.fullmatch("#[0-9a-f]{6}", text), text
    red, green, blue = (int(text[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def over(top: Colour, below: Colour, alpha: float) -> Colour:
    red, green, blue = (alpha * one + (1 - alpha) * other for one, other in zip(top, below, strict=True))
    return red, green, blue


def contrast(one: Colour, other: Colour) -> float:
    """Source: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""

    def luminance(colour: Colour) -> float:
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_text_can_be_read_with_the_brightest_star_behind_it(is_dark: bool):
    look = variables(LIGHT, *([DARK] if is_dark else []), ".stardust {", *([".stardust.dark,"] if is_dark else []))
    star_and_glow = re.search(r'BRIGHTEST = ([\d.]+), GLOW = "(\w\w)"', SKY)
    glasses = dict(re.findall(r"--d-glass[\w-]*: color-mix\(in srgb, var\((--d-\w+)\) (\d+)%", STYLE))
    assert star_and_glow and len(glasses) == 3
    core = float(star_and_glow[1])
    brightest = 1 - (1 - core) * (1 - core * int(star_and_glow[2], 16) / 255)
    skies = [colour(each) for each in re.findall(r"#[0-9a-f]{6}", look["--d-sky"])]
    stars = [colour(look[name]) for name in ("--d-star", "--d-star-warm")]
    for (glass, percent), sky, star in product(glasses.items(), skies, stars):
        behind = over(star, sky, brightest)
        for ground, text in product((sky, behind), ("--d-ink", "--d-quiet", "--d-accent-text")):
            place = over(colour(look[glass]), ground, int(percent) / 100)
            assert contrast(colour(look[text]), place) >= 4.5, (text, glass, sky, star)


def choose(page: Page) -> None:
    page.get_by_role("button", name="Settings", exact=True).click()
    page.get_by_role("checkbox", name="Stardust").check()


def test_it_is_chosen_in_the_settings_and_kept(regular: Visitor):
    page, sky = regular.page, regular.page.locator("#sky")
    choose(page)
    expect(sky).to_be_attached()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Light or dark").click()
    assert violations(page) == []
    other = regular.context.new_page()
    other.goto(f"{regular.address}quick")
    expect(other.locator("#model option").first).to_be_attached()
    expect(other.locator("#sky")).to_be_attached()
    assert violations(other) == []
    other.emulate_media(reduced_motion="reduce")
    expect(other.locator("#sky")).not_to_be_attached()
    other.close()
    page.emulate_media(reduced_motion="reduce")
    page.get_by_role("button", name="Settings", exact=True).click()
    expect(page.locator("#settings .look-off")).to_have_text("Off while your system asks for less motion.")
    expect(sky).not_to_be_attached()
    page.emulate_media(reduced_motion="no-preference")
    expect(sky).to_be_attached()
    page.get_by_role("checkbox", name="Stardust").uncheck()
    expect(sky).not_to_be_attached()
    expect(page.locator("html.stardust")).not_to_be_attached()


@pytest.mark.parametrize(
    "hint",
    [
        "Object.defineProperty(navigator, 'connection', { value: { saveData: true } })",
        "navigator.getBattery = async () => Object.assign(new EventTarget(), { charging: false, level: 0.1 })",
    ],
    ids=["data", "battery"],
)
def test_it_is_off_where_data_or_power_are_saved(chrome: Browser, address: str, hint: str):
    context = chrome.new_context()
    context.add_init_script(f"localStorage.setItem('diorama-look', 'stardust'); {hint}")
    page = context.new_page()
    page.goto(f"{address}quick")
    expect(page.locator("#model option").first).to_be_attached()
    expect(page.locator("#sky")).not_to_be_attached()
    context.close()
