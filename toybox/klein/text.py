"""Second stage: the text encoder learns the meaning of captions and instructions, without pictures."""

import random
import string
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import Qwen2Tokenizer, Qwen3ForCausalLM

from toybox.captions import SILENCE, Meaning, Phrase, Side
from toybox.edits import describe, sample_edit
from toybox.klein.model import MAX_SEQUENCE_LENGTH, TEXT_OUT_LAYERS, TEXT_WIDTH, build_text_encoder
from toybox.klein.run import Budget, Run
from toybox.precision import training_precision
from toybox.words import BACKGROUNDS, COLOUR_NAMES, COLOURS, KIND_NAMES, KINDS, Size
from toybox.world import sample_scene

BATCH = 96
_PEAK_RATE = 2e-3
_SIZES: tuple[Size, ...] = ("small", "big")
_SIDES: tuple[Side, ...] = ("left", "right")
_OPERATIONS = ("nothing", "draw", "colour", "kind", "background")
_LISTENING_PLACES = 4


class Tokens(NamedTuple):
    """Tokenised phrases of equal length: ids and mask, both (N, length) int64."""

    ids: Tensor
    mask: Tensor


class SlotHeads(nn.Module):
    """Predicts every slot of a meaning from the hidden states at one position. Used in training only."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes = [len(values) for values in _slot_values().values()]
        self.joint = nn.Linear(TEXT_WIDTH * len(TEXT_OUT_LAYERS), sum(self.sizes))
        self.early = nn.Linear(TEXT_WIDTH, sum(self.sizes))

    def forward(self, states: Tensor, slots: Tensor) -> dict[str, Tensor]:
        """Cross-entropy and accuracy.

        Args:
            states: (N, positions, layers * width), the layers concatenated.
            slots: (N, slots) int64, see `slots_of`.
        """
        loss, right = torch.zeros(()), torch.ones(states.shape[:2], dtype=torch.bool)
        for head, seen in ((self.early, states[..., :TEXT_WIDTH]), (self.joint, states)):
            for column, logits in enumerate(head(seen).split(self.sizes, dim=-1)):
                wanted = slots[:, column, None].expand(-1, states.shape[1])
                loss = loss + F.cross_entropy(logits.flatten(end_dim=1), wanted.flatten())
                if head is self.joint:
                    right = right & (logits.argmax(dim=-1) == wanted)
        return {"loss": loss, "all slots right": right.float().mean()}


def train_text_encoder(tokenizer: Qwen2Tokenizer, budget: Budget) -> Qwen3ForCausalLM:
    """Trains the encoder to store the whole meaning in the end token and in every padding token."""
    torch.manual_seed(2)
    encoder, heads = build_text_encoder(tokenizer), SlotHeads()
    model = nn.ModuleList([encoder, heads])
    optimizer = torch.optim.AdamW(model.parameters(), lr=_PEAK_RATE, betas=(0.9, 0.98), weight_decay=0.01)
    run = Run("text", model, [optimizer], average=0.99, budget=budget)

    def loss_of_step(step: int) -> dict[str, Tensor]:
        rng = random.Random(f"text {step}")
        phrases = [random_phrase(rng) for _ in range(BATCH)]
        tokens = tokenize(tokenizer, [phrase.text for phrase in phrases])
        slots = torch.tensor([slots_of(phrase.meaning) for phrase in phrases])
        with training_precision():
            states = hidden_states(encoder, tokens)
        return heads(listen(states.float(), tokens.mask, rng), slots)

    run.train(loss_of_step)
    run.average.copy_to(model)
    return encoder.eval()


def tokenize(tokenizer: Qwen2Tokenizer, texts: list[str]) -> Tokens:
    """Tokenises exactly as `Flux2KleinPipeline` does."""
    ask = partial(tokenizer.apply_chat_template, tokenize=False, add_generation_prompt=True, enable_thinking=False)
    chats = [str(ask([{"role": "user", "content": text}])) for text in texts]
    batch = tokenizer(chats, return_tensors="pt", padding="max_length", truncation=True, max_length=MAX_SEQUENCE_LENGTH)
    return Tokens(batch["input_ids"], batch["attention_mask"])


def hidden_states(encoder: Qwen3ForCausalLM, tokens: Tokens) -> Tensor:
    """The states that `Flux2KleinPipeline` gives the transformer: (N, length, layers * width)."""
    output = encoder.model(input_ids=tokens.ids, attention_mask=tokens.mask, output_hidden_states=True, use_cache=False)
    return torch.cat([output.hidden_states[layer] for layer in TEXT_OUT_LAYERS], dim=-1)


def random_phrase(rng: random.Random) -> Phrase:
    """A caption, an instruction or an empty prompt, sometimes with unknown words."""
    if rng.random() < 0.02:
        return SILENCE
    scene = sample_scene(rng)
    if rng.random() < 0.5:
        return with_unknown_words(describe(scene, rng), rng)
    return with_unknown_words(sample_edit(scene, rng, split="train").phrase, rng)


def with_unknown_words(phrase: Phrase, rng: random.Random) -> Phrase:
    """Sometimes inserts a made-up word, or replaces the only kind that is named with one."""
    if rng.random() < 0.9:
        return phrase
    words, strange = phrase.text.split(), "".join(rng.choices(string.ascii_lowercase, k=rng.randint(3, 7)))
    named = [index for index, word in enumerate(words) if any(word in names for names in KIND_NAMES.values())]
    meaning = phrase.meaning
    if len(named) == 1 and meaning.first.kind and not meaning.second.kind and rng.random() < 0.2:
        words[named[0]] = strange
        return Phrase(" ".join(words), replace(meaning, first=replace(meaning.first, kind=None)))
    before = [0, len(words), *(index for index, word in enumerate(words) if word in _adjectives())]
    words.insert(rng.choice(before), strange)
    return Phrase(" ".join(words), meaning)


def slots_of(meaning: Meaning) -> list[int]:
    """The meaning as one class per slot; class 0 is "not mentioned"."""
    said: dict[str, object] = {"operation": meaning.operation, "background": meaning.background}
    said["side"] = meaning.subject_side
    for name, one in (("first", meaning.first), ("second", meaning.second), ("subject", meaning.subject)):
        said |= {f"{name} kind": one.kind, f"{name} colour": one.colour, f"{name} size": one.size}
    return [values.index(said[name]) for name, values in _slot_values().items()]


def _slot_values() -> dict[str, tuple[object, ...]]:
    values: dict[str, tuple[object, ...]] = {
        "operation": _OPERATIONS,
        "background": (None, *BACKGROUNDS),
        "side": (None, *_SIDES),
    }
    for name in ("first", "second", "subject"):
        values |= {f"{name} kind": (None, *KINDS), f"{name} colour": (None, *COLOURS), f"{name} size": (None, *_SIZES)}
    return values


def _adjectives() -> set[str]:
    return {name for names in COLOUR_NAMES.values() for name in names}


def listen(states: Tensor, mask: Tensor, rng: random.Random) -> Tensor:
    """The states at the end token and at a few positions after it, (N, positions, channels)."""
    closing = mask.sum(dim=1) - 1
    last = mask.shape[1] - 1
    offsets = [0, *sorted(rng.sample(range(1, last), k=_LISTENING_PLACES - 1))]
    places = torch.stack([(closing + offset).clamp_max(last) for offset in offsets], dim=1)
    return states.gather(1, places[..., None].expand(-1, -1, states.shape[-1]))
