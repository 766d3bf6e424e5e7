"""Completes toy-world prompts: adds missing colours and backgrounds. Without torch."""

from __future__ import annotations

import re
import zlib

from pipelines.records.common import APACHE
from studio.contract import ModelCard, Readiness, Task, Tell
from studio.errors import NotSupported
from studio.validation import shown
from studio.words.contract import WordsRequest

KINDS = (
    *("ball", "sphere", "cube", "box", "block", "cone", "cylinder", "can", "donut", "doughnut", "ring", "snowman"),
    *("tree", "fir", "house", "hut", "mushroom", "toadstool", "rocket", "spaceship"),
)
COLOURS = ("red", "green", "blue", "yellow", "orange", "purple", "pink", "white", "black", "brown", "crimson", "violet")
BACKGROUNDS = ("blue", "green", "grey", "sand", "pink", "purple")
"""As the bundled models were trained. Source: toybox/words.py."""
_LIKELY = {
    "tree": "green",
    "fir": "green",
    "snowman": "white",
    "mushroom": "red",
    "toadstool": "red",
    "house": "yellow",
}
_ANY = "|".join(KINDS)
_ARTICLE = re.compile(rf"(?:\b(?:an?|the)\s+)?\b(?P<size>(?:small|little|tiny|big|large)\s+)?(?P<thing>{_ANY})\b")
_COLOURED = re.compile(rf"\b(?:{'|'.join(COLOURS)})\s*$")
_WORDS = (*KINDS, *COLOURS, *BACKGROUNDS, "small", "little", "tiny", "big", "large", "a", "an", "the", "and", "on")
_WORDS += (
    "background",
    "left",
    "right",
    "of",
    "in",
    "front",
    "behind",
    "to",
    "next",
    "beside",
    "with",
    "gray",
    "sandy",
)


class ToyPrompts:
    """Deterministic."""

    def run(self, request: WordsRequest, tell: Tell) -> str:
        """Raises NotSupported if nothing of the toy world is in the prompt."""
        wish = request.words.strip().rstrip(".").lower()
        if not _ARTICLE.search(wish):
            raise NotSupported(
                f"Nothing of the toy world is in {shown(request.words)}. Name one of: {', '.join(sorted(set(KINDS)))}."
            )
        chance = zlib.crc32(wish.encode())

        def coloured(found: re.Match[str]) -> str:
            if _COLOURED.search(wish[: found.start("thing")]):
                return found[0]
            size, thing = found["size"] or "", found["thing"]
            colour = _LIKELY.get(thing) or COLOURS[(chance + found.start()) % 6]
            words = f"{size}{colour} {thing}"
            return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"

        said = _ARTICLE.sub(coloured, wish)
        if "background" in said:
            return said
        near = {colour for colour in BACKGROUNDS if colour in said.split()}
        grounds = [ground for ground in BACKGROUNDS if ground not in near]
        return f"{said} on a {grounds[chance % len(grounds)]} background"

    def close(self) -> None:
        """Nothing to free."""


TOY_PROMPTS = ModelCard(
    id="toy-prompts",
    label="Toy prompts",
    about="Toy world only: adds the colours and the background that a prompt leaves open.",
    tasks=frozenset({Task.IMPROVE}),
    toys_only=True,
    seed=False,
    licence="Apache-2.0",
    licence_url=APACHE,
).spec(
    load=lambda _tell: ToyPrompts(),
    readiness=lambda: Readiness(True, "no download"),
    revision="1",
    known_words=lambda: frozenset(_WORDS),
)
