"""What axe-core finds wrong with a page, such as text without contrast or buttons without names."""

from __future__ import annotations

from importlib.resources import files

from playwright.sync_api import Page

from tests.patience import settled


def violations(page: Page, within: str = "") -> list[str]:
    """
    Args:
        within: CSS selector of what is judged, such as a dialog before a page that nobody can reach; "": all.

    Returns:
        A line for each element that breaks a rule. Source of the rules: axe-core, https://github.com/dequelabs/axe-core
    """
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8") + ";0")
    judge = "async within => (await axe.run(within || document, { resultTypes: ['violations'] })).violations"
    found = settled(page, judge, within)
    return [f"{rule['help']}: {node['html'][:120]}" for rule in found for node in rule["nodes"]]
