"""Fourth stage: the text encoder learns to encode other wordings like the usual ones, for the unchanged transformer."""

import random
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import Qwen2Tokenizer, Qwen3ForCausalLM

from toybox.captions import Phrase
from toybox.edits import describe, sample_edit
from toybox.klein.model import build_text_encoder
from toybox.klein.run import Budget, Run
from toybox.klein.text import SlotHeads, Tokens, hidden_states, listen, slots_of, tokenize
from toybox.precision import training_precision
from toybox.wordings import idle_words, reword
from toybox.world import sample_scene

FAMILIAR, OTHER = 16, 48
POOL = 6000
_PEAK_RATE = 1e-3
_MEANING = 0.1
_STRANGE_WORDS = (0, 0, 0, 1, 1, 2, 3)
_IDLE_WORDS = idle_words()


@dataclass(frozen=True)
class Heard:
    """Phrases and the teacher's states for them.

    Attributes:
        phrases: N of them, in the wordings that the transformer was trained on.
        tokens: of their texts.
        states: (N, length, channels) float32.
    """

    phrases: list[Phrase]
    tokens: Tokens
    states: Tensor


def train_wordings(tokenizer: Qwen2Tokenizer, teacher: Qwen3ForCausalLM, budget: Budget) -> Qwen3ForCausalLM:
    """
    A text encoder that encodes any wording as the teacher encodes the usual one.

    A quarter of every batch are phrases that the teacher knows: all their states stay the same. In the rest, the
    states from the end token on become those of a usual phrase with the same meaning.

    Args:
        tokenizer: of both.
        teacher: the encoder that the transformer was trained with.
        budget: see `Budget`.
    """
    torch.manual_seed(4)
    encoder, heads = build_text_encoder(tokenizer), SlotHeads()
    encoder.load_state_dict(teacher.state_dict())
    model = nn.ModuleList([encoder, heads])
    optimizer = torch.optim.AdamW(model.parameters(), lr=_PEAK_RATE, betas=(0.9, 0.98), weight_decay=0.01)
    run = Run("wordings", model, [optimizer], average=0.99, budget=budget)
    pool = hear(tokenizer, teacher.eval(), POOL)

    def loss_of_step(step: int) -> dict[str, Tensor]:
        rng = random.Random(f"wordings {step}")
        rows = rng.sample(range(POOL), k=FAMILIAR + OTHER)
        phrases = [pool.phrases[row] for row in rows]
        texts = [phrase.text for phrase in phrases[:FAMILIAR]]
        texts += [with_strange_words(reword(phrase.meaning, rng), rng) for phrase in phrases[FAMILIAR:]]
        tokens = tokenize(tokenizer, texts)
        with training_precision():
            states = hidden_states(encoder, tokens).float()
        slots = torch.tensor([slots_of(phrase.meaning) for phrase in phrases])
        meaning = heads(listen(states, tokens.mask, rng), slots)
        usual = Tokens(pool.tokens.ids[rows], pool.tokens.mask[rows])
        errors = state_errors(states, pool.states[rows], tokens, usual)
        near = {"familiar": errors[:FAMILIAR].mean().detach(), "other": errors[FAMILIAR:].mean().detach()}
        loss = errors.mean() + _MEANING * meaning["loss"]
        return {"loss": loss, **near, "all slots right": meaning["all slots right"]}

    run.train(loss_of_step)
    run.average.copy_to(model)
    return encoder.eval()


@torch.no_grad()
def hear(tokenizer: Qwen2Tokenizer, teacher: Qwen3ForCausalLM, count: int) -> Heard:
    """The teacher's states for captions and instructions in the usual wording."""
    rng = random.Random("usual phrases")
    phrases = []
    for _ in range(count):
        scene = sample_scene(rng)
        is_caption = rng.random() < 0.6
        phrases.append(describe(scene, rng) if is_caption else sample_edit(scene, rng, split="train").phrase)
    tokens = tokenize(tokenizer, [phrase.text for phrase in phrases])
    states = [hidden_states(teacher, Tokens(*part)) for part in zip(*(each.split(100) for each in tokens), strict=True)]
    return Heard(phrases, tokens, torch.cat(states).float())


def with_strange_words(text: str, rng: random.Random) -> str:
    """Inserts a few irrelevant or made-up words into a text."""
    words = text.split()
    for _ in range(rng.choice(_STRANGE_WORDS)):
        strange = "".join(rng.choices("aaabcdeeeefghiiijklmnnooopqrrrsssttuuvwxyz", k=rng.randint(2, 8)))
        words.insert(rng.randint(0, len(words)), rng.choice((strange, rng.choice(_IDLE_WORDS))))
    return " ".join(words)


def state_errors(states: Tensor, wanted: Tensor, heard: Tokens, meant: Tokens) -> Tensor:
    """
    How far the states (N, length, channels) are from the target states, (N,), in variances of each channel.

    Compares the end tokens, the positions after both texts and, for equal texts, every position.
    """
    spread = wanted.flatten(end_dim=1).var(dim=0).clamp_min(1e-4)
    same = (heard.ids == meant.ids).all(dim=1, keepdim=True)
    over = same | ((heard.mask == 0) & (meant.mask == 0))  # [N, length]
    errors = ((states - wanted).square() / spread).mean(dim=-1)
    rest = (errors * over).sum(dim=1) / over.sum(dim=1).clamp_min(1)
    closing = [(one.mask.sum(dim=1) - 1)[:, None, None].expand(-1, 1, states.shape[-1]) for one in (heard, meant)]
    end = ((states.gather(1, closing[0]) - wanted.gather(1, closing[1])).square() / spread).mean(dim=-1)[:, 0]
    return rest + 0.5 * end
