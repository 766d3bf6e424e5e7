"""Captions and instructions: they say what the scene holds, and an edit changes what was said and nothing else."""

import random

import numpy as np
import pytest

from toybox.captions import known_words
from toybox.edits import describe, instruction, sample_edit
from toybox.klein.tokenizer import build_tokenizer
from toybox.words import BACKGROUND_NAMES, COLOUR_NAMES, KIND_NAMES
from toybox.world import is_allowed, render, sample_scene


def mentioned(text: str, names: dict[str, tuple[str, ...]]) -> list[str]:
    """Which of the names the words of a text stand for, in order."""
    said = []
    for word in text.replace(",", " ").split():
        said += [name for name, synonyms in names.items() if word in synonyms]
    return said


@pytest.mark.parametrize("seed", range(40))
def test_a_complete_caption_names_every_object_and_the_background(seed: int) -> None:
    rng = random.Random(seed)
    scene = sample_scene(rng)
    text = describe(scene, rng, complete=True).text
    assert sorted(mentioned(text, KIND_NAMES)) == sorted(thing.kind for thing in scene.objects)
    colours = mentioned(text, COLOUR_NAMES)
    assert all(thing.colour in colours for thing in scene.objects)
    assert scene.background in mentioned(text, BACKGROUND_NAMES)


@pytest.mark.parametrize("seed", range(40))
def test_the_meaning_of_a_caption_is_what_its_words_say(seed: int) -> None:
    rng = random.Random(seed)
    phrase = describe(sample_scene(rng), rng)
    said = [one.kind for one in (phrase.meaning.first, phrase.meaning.second) if one.kind]
    assert sorted(mentioned(phrase.text, KIND_NAMES)) == sorted(said)


def test_captions_of_one_scene_vary() -> None:
    rng = random.Random(0)
    scene = sample_scene(rng)
    assert len({describe(scene, rng).text for _ in range(50)}) > 20


@pytest.mark.parametrize("seed", range(60))
def test_an_edit_changes_one_thing(seed: int) -> None:
    rng = random.Random(seed)
    edit = sample_edit(sample_scene(rng), rng, split="train")
    assert is_allowed(edit.target, "train")
    assert (edit.source.camera, edit.source.light) == (edit.target.camera, edit.target.light)
    changed = [pair for pair in zip(edit.source.objects, edit.target.objects, strict=True) if pair[0] != pair[1]]
    match edit.phrase.meaning.operation:
        case "background":
            assert not changed and edit.source.background != edit.target.background
            assert edit.target.background in mentioned(edit.phrase.text, BACKGROUND_NAMES)
        case "colour":
            (before, after), *others = changed
            assert not others and before.kind == after.kind
            assert after.colour in mentioned(edit.phrase.text, COLOUR_NAMES)
        case "kind":
            (before, after), *others = changed
            assert not others and before.kind != after.kind
            assert after.kind in mentioned(edit.phrase.text, KIND_NAMES)
        case operation:
            pytest.fail(f"an edit that does {operation}")


def test_a_colour_edit_leaves_every_other_pixel_alone() -> None:
    rng = random.Random(4)
    while True:
        edit = sample_edit(sample_scene(rng, count=2), rng, split="train")
        if edit.phrase.meaning.operation == "colour":
            break
    before, after = render(edit.source, size=64), render(edit.target, size=64)
    index = next(i for i in range(2) if edit.source.objects[i] != edit.target.objects[i])
    outside = before.object_masks[index] == 0
    rim = np.zeros_like(outside)
    rim[1:-1, 1:-1] = (
        outside[:-2, 1:-1] & outside[2:, 1:-1] & outside[1:-1, :-2] & outside[1:-1, 2:] & outside[1:-1, 1:-1]
    )
    assert np.array_equal(before.image[rim], after.image[rim])
    assert np.array_equal(before.mask, after.mask)


def test_an_instruction_needs_exactly_one_difference() -> None:
    scene = sample_scene(random.Random(0), count=1)
    with pytest.raises(ValueError, match="one difference"):
        instruction(scene, scene, random.Random(0))


def test_every_known_word_is_one_token_whatever_its_case() -> None:
    tokenizer = build_tokenizer(known_words())
    for word in known_words():
        chat = tokenizer.apply_chat_template([{"role": "user", "content": f"{word.upper()}!"}], tokenize=False)
        assert len(tokenizer(chat)["input_ids"]) == 2, word  # the word and the closing token


def test_captions_use_known_words_only() -> None:
    rng = random.Random(1)
    known = set(known_words())
    for _ in range(500):
        scene = sample_scene(rng)
        phrases = (describe(scene, rng), sample_edit(scene, rng, split="any").phrase)
        assert {word for phrase in phrases for word in phrase.text.replace(",", " ").split()} <= known


def test_unknown_words_fall_back_to_bytes_and_come_back() -> None:
    tokenizer = build_tokenizer(known_words())
    chat = tokenizer.apply_chat_template([{"role": "user", "content": "A dragon, über alles"}], tokenize=False)
    assert tokenizer.decode(tokenizer(chat)["input_ids"]) == " a dragon über alles<|im_end|>"
