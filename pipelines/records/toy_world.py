"""The vocabulary of the toy-world models, as the page offers it. Source: toybox/words.py, their training data."""

from __future__ import annotations

from studio.cards.palette import Palette, Words

PALETTE = Palette(
    (
        Words(
            "Colour",
            ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white"),
            add="{prompt}, {word}",
            before="Object",
            swatches=(
                *("#db1a17", "#ff800d", "#fad614", "#1a9e2e", "#1a47e0"),
                *("#7824b3", "#fa73b3", "#6b3b1a", "#121214", "#f2f2f2"),
            ),
        ),
        Words(
            "Object",
            ("ball", "cube", "cone", "cylinder", "donut", "snowman", "tree", "house", "mushroom", "rocket"),
        ),
        Words(
            "Background",
            ("grey", "blue", "green", "sand", "pink", "purple"),
            form="{word} background",
            add="{prompt} on a {word} background",
            swatches=("#b3b3b8", "#8cbff2", "#99cc8c", "#e8d199", "#f5c4d1", "#b8a6e3"),
        ),
    ),
    blank="a {0} {1} on a {2} background",
)
