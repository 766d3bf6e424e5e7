"""Quick changes: one click, one instruction. Pure data; a model's vocabulary decides which ones it can do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from studio.contract import ModelSpec
from studio.validation import unknown_words


@dataclass(frozen=True)
class Fix:
    """One chip under the instruction."""

    label: str
    instruction: str
    needs_place: bool = False  # requires an object or a brushed area
    extend: tuple[float, float, float, float] = (
        0,
        0,
        0,
        0,
    )  # added at left, top, right, bottom, as fractions
    transparent: bool = False  # only for models that can omit the background


FIXES = (
    Fix("Remove this", "Remove this and continue what is behind it.", needs_place=True),
    Fix("Cut the background", "Keep the main subject as it is and remove the background.", transparent=True),
    Fix("Plain background", "Keep the main subject as it is and replace the background with plain white."),
    Fix("Extend left", "Continue the scene beyond the left edge.", extend=(0.25, 0, 0, 0)),
    Fix("Extend right", "Continue the scene beyond the right edge.", extend=(0, 0, 0.25, 0)),
    Fix("Extend up", "Continue the scene beyond the upper edge.", extend=(0, 0.25, 0, 0)),
    Fix("Extend down", "Continue the scene beyond the lower edge.", extend=(0, 0, 0, 0.25)),
    Fix("Warm evening light", "Relight the scene with warm evening sun from the side. Change nothing else."),
    Fix("Night", "Make it night, lit by lamps. Change nothing else."),
    Fix("Snow", "Cover the scene with fresh snow. Change nothing else."),
    Fix("Drawing", "Turn it into a pencil drawing with fine lines."),
    Fix("Watercolour", "Turn it into a watercolour painting with soft edges."),
    Fix("Clay", "Turn it into a scene made of modelling clay."),
    Fix("Sharper", "Make it a sharp, detailed photograph. Change nothing else."),
)
SMALL_WORLD = (
    Fix("Blue", "make it blue"),
    Fix("Red", "make it red"),
    Fix("Yellow", "make it yellow"),
    Fix("A house", "turn it into a house"),
    Fix("A snowman", "turn it into a snowman"),
    Fix("On sand", "put it on a sand background"),
    Fix("On pink", "put it on a pink background"),
    Fix("On green", "put it on a green background"),
)
"""For models that know few words. Source: the training captions, toybox/captions.py."""


def fixes_for(spec: ModelSpec) -> Iterable[Fix]:
    """The quick changes this model can do."""
    known = spec.known_words() if spec.known_words else None
    offered = FIXES if known is None else (*SMALL_WORLD, *FIXES)
    for fix in offered:
        is_known = known is None or not unknown_words(fix.instruction, known)
        if is_known and (spec.transparent or not fix.transparent):
            yield fix
