"""Values that came from outside."""

from __future__ import annotations

from studio.validation import unknown_words


def test_words_a_model_was_not_taught_are_named_in_order():
    prompt = "A red Dragon's ball, 3 dragons on a red-blue Möbius! Don't, dragon"
    assert unknown_words(prompt, {"a", "red", "ball", "on", "blue"}) == ("dragon", "dragons", "möbius", "don't")
