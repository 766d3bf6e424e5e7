"""Other wordings of what captions and instructions mean, and what the text encoder learns from them."""

import random

import torch

from toybox.captions import Phrase
from toybox.edits import describe, sample_edit
from toybox.klein.rewording import state_errors, with_strange_words
from toybox.klein.text import tokenize
from toybox.klein.tokenizer import build_tokenizer
from toybox.wordings import Split, every_word, idle_words, reword, understood_words
from toybox.words import COLOUR_NAMES, KIND_NAMES
from toybox.world import sample_scene


def usual(count: int, seed: int) -> list[Phrase]:
    """Captions and instructions in turn."""
    rng = random.Random(seed)
    scenes = [sample_scene(rng) for _ in range(count)]
    makers = (describe, lambda scene, rng: sample_edit(scene, rng, split="train").phrase)
    return [makers[index % 2](scene, rng) for index, scene in enumerate(scenes)]


def others(phrases: list[Phrase], split: Split) -> list[str]:
    rng = random.Random(split)
    return [reword(phrase.meaning, rng, split) for phrase in phrases]


def test_a_wording_names_all_that_is_meant_and_never_twice() -> None:
    phrases = usual(600, 1)
    for split in ("train", "held out"):
        for phrase, text in zip(phrases, others(phrases, split), strict=True):
            assert "{" not in text
            assert "  " not in text
            said = phrase.meaning.first
            if split == "held out":  # with the usual names
                assert said.kind is None or any(name in text for name in KIND_NAMES[said.kind]), text
                assert said.colour is None or any(name in text for name in COLOUR_NAMES[said.colour]), text


def test_what_is_held_out_is_not_trained_with() -> None:
    phrases = usual(3000, 2)
    trained = set(others(phrases, "train"))
    held_out = others(phrases, "held out")
    assert sum(text in trained for text in held_out) < 0.02 * len(held_out)  # bare ones, without a background


def test_every_word_of_a_wording_is_one_token() -> None:
    tokenizer = build_tokenizer(every_word())
    texts = others(usual(400, 3), "train")
    for text, ids in zip(texts, tokenize(tokenizer, texts).mask.sum(dim=1).tolist(), strict=True):
        words = tokenizer.apply_chat_template([{"role": "user", "content": text}], tokenize=False).split()
        plain = [word for word in words if word.removesuffix("<|im_end|>") in every_word()]
        assert ids <= 32
        assert len(words) - len(plain) <= 3, text  # "3d", "4k" and "&" are spelled


def test_idle_words_are_known_as_tokens_and_say_nothing() -> None:
    named = {
        word for names in (*KIND_NAMES.values(), *COLOUR_NAMES.values()) for name in names for word in name.split()
    }
    assert set(idle_words()) <= set(every_word())
    assert not named & set(idle_words())
    assert named <= set(understood_words())
    text = with_strange_words("a red ball", random.Random(5))
    assert [word for word in text.split() if word in ("a", "red", "ball")] == ["a", "red", "ball"]


def test_states_are_compared_where_both_texts_are_over_and_everywhere_if_they_are_equal() -> None:
    tokenizer = build_tokenizer(every_word())
    meant = tokenize(tokenizer, ["a red ball", "a red ball"])
    heard = tokenize(tokenizer, ["a red ball", "red, the ball is"])
    wanted = torch.randn(2, 32, 6, generator=torch.Generator().manual_seed(0))
    ends = heard.mask.sum(dim=1) - 1
    states = wanted.clone()
    states[1, : ends[1]] = 9  # free: the words are others
    states[1, ends[1]] = wanted[1, meant.mask[1].sum() - 1]
    assert state_errors(states, wanted, heard, meant).tolist() == [0, 0]
    states[0, 0] += 1  # of an equal text every place counts
    assert state_errors(states, wanted, heard, meant)[0] > 0
    states = wanted.clone()
    states[1, -1] += 1
    assert state_errors(states, wanted, heard, meant)[1] > 0
