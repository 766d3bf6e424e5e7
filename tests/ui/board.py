"""A tab with a picture on a canvas, on top of Playwright."""

from __future__ import annotations

from typing import ClassVar

from playwright.sync_api import Locator, Page

from tests.patience import settled

NEXT_FRAME = "await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)))"


class Board:
    """The tab of a page; its picture has `size`."""

    tab: ClassVar[str]
    size: ClassVar[tuple[int, int]]

    def __init__(self, page: Page) -> None:
        self.page = page

    def find(self, selector: str) -> Locator:
        return self.page.locator(f"#{self.tab} {selector}")

    @property
    def board(self) -> Locator:
        return self.find(".board")

    def open(self, picture: str) -> None:
        """As a link or a button elsewhere on the page does it."""
        event = f"new CustomEvent('diorama-{self.tab}', {{detail: {{picture: id}}}})"
        self.page.evaluate(
            f"id => {{ history.replaceState(null, '', `#{self.tab}=${{id}}`);"
            f" document.querySelector('#{self.tab}-tab-button').click(); document.dispatchEvent({event}); }}",
            picture,
        )
        self.expect_open(picture)

    def expect_open(self, picture: str) -> None:
        raise NotImplementedError

    def at(self, place: tuple[float, float], size: tuple[int, int] | None = None) -> tuple[float, float]:
        """Where a place of the picture, in fractions, lies on the screen while it is fitted."""
        (width, height), box = size or self.size, self.board.bounding_box()
        assert box
        scale = min((box["width"] - 32) / width, (box["height"] - 32) / height)
        return (
            box["x"] + box["width"] / 2 + (place[0] - 0.5) * width * scale,
            box["y"] + box["height"] / 2 + (place[1] - 0.5) * height * scale,
        )

    def on_board(self, place: tuple[float, float]) -> list[float]:
        (x, y), box = self.at(place), self.board.bounding_box()
        assert box
        return [x - box["x"], y - box["y"]]

    @property
    def colour(self) -> str:
        """A function of the page: RGB of the canvas at a point."""
        return (
            f"([x, y]) => [...document.querySelector('#{self.tab} .board').getContext('2d')"
            ".getImageData(x * devicePixelRatio, y * devicePixelRatio, 1, 1).data].slice(0, 3)"
        )

    def colour_at(self, place: tuple[float, float]) -> list[int]:
        """RGB on the canvas, of the next frame."""
        script = f"async (at) => {{ {NEXT_FRAME}; return ({self.colour})(at); }}"
        return settled(self.page, script, self.on_board(place))
