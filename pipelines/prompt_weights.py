"""A1111's prompt syntax for CLIP: weights, and prompts of any length.

    (word)  1.1 times      ((word))  1.21 times      (word:1.3)  1.3 times      [word]  divided by 1.1
    \\( \\) \\[ \\] \\\\  the character itself           BREAK  starts a new chunk

CLIP reads 75 tokens at a time; a longer prompt is read in chunks, which the network sees concatenated.

Reimplemented from A1111's description rather than taken from `compel`, whose syntax, `(word)1.3`, differs.

Source: AUTOMATIC1111/stable-diffusion-webui wiki, Features, "Attention/emphasis" and "Infinite prompt length".
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import torch

from studio.errors import BadRequest

MORE = 1.1
"""The factor of a pair of brackets."""
COMMA_TOKENS = 20
"""Chunks break at a comma within this many tokens of their end. A1111's default."""
MOST = 10.0
"""Largest weight; higher ones destroy the picture."""
MOST_CHUNKS = 50
"""10,000 letters of English make 35. Without a limit, BREAK after every word would take minutes."""
MOST_NESTED = 30
"""Nested brackets that count: 25 reach the largest weight, and without a limit 10,000 would take seconds."""
_MARK = re.compile(r"\\([()\[\]\\])|([(\[])|:\s*([+-]?(?:\d{1,6}\.?\d{0,9}|\.\d{1,9}))\s*\)|([)\]])|\b(BREAK)\b")


class Piece(NamedTuple):
    text: str
    weight: float


class PromptChunk(NamedTuple):
    """What is read at once: at most 75 tokens, without start and end tokens."""

    tokens: list[int]
    weights: list[float]


def pieces(prompt: str) -> list[Piece | None]:
    """A prompt in order, with its weights; None stands for BREAK. No input is an error."""
    found: list[Piece | None] = []
    opened: dict[str, list[int]] = {"(": [], "[": []}
    at = 0
    for mark in _MARK.finditer(prompt):
        _add(found, prompt[at : mark.start()])
        at = mark.end()
        escaped, begin, weight, end, is_break = mark.groups()
        if is_break:
            found.append(None)
        elif begin:
            if len(opened[begin]) < MOST_NESTED:
                opened[begin].append(len(found))
        elif weight and opened["("]:
            _weigh(found, opened["("].pop(), float(weight))
        elif end and opened["(" if end == ")" else "["]:
            _weigh(found, opened["(" if end == ")" else "["].pop(), MORE if end == ")" else 1 / MORE)
        else:
            _add(found, escaped or mark[0])
    _add(found, prompt[at:])
    for bracket, factor in (("(", MORE), ("[", 1 / MORE)):  # unclosed ones extend to the end
        for start in opened[bracket]:
            _weigh(found, start, factor)
    return _joined(found)


def _add(found: list[Piece | None], text: str) -> None:
    if text:
        found.append(Piece(text, 1.0))


def _weigh(found: list[Piece | None], start: int, factor: float) -> None:
    for index in range(start, len(found)):
        if piece := found[index]:
            found[index] = Piece(piece.text, max(-MOST, min(MOST, piece.weight * factor)))


def _joined(found: list[Piece | None]) -> list[Piece | None]:
    """Merge neighbours of one weight, so that an escaped bracket does not split a word."""
    joined: list[Piece | None] = []
    for piece in found:
        last = joined[-1] if joined else None
        if piece and last and piece.weight == last.weight:
            joined[-1] = Piece(last.text + piece.text, last.weight)
        else:
            joined.append(piece)
    return joined


def chunks(prompt: str, tokenizer: Any) -> list[PromptChunk]:
    """A prompt's chunks of tokens; at least one, which may be empty.

    Raises:
        BadRequest: there are more than `MOST_CHUNKS`.
    """
    most = tokenizer.model_max_length - 2
    comma = tokenizer(",", add_special_tokens=False).input_ids[-1]
    found = [PromptChunk([], [])]
    for piece in pieces(prompt):
        if piece is None:
            found.append(PromptChunk([], []))
            continue
        for token in tokenizer(piece.text, add_special_tokens=False, verbose=False).input_ids:
            if len(found[-1].tokens) == most:
                found.append(_rest(found[-1], comma))
            found[-1].tokens.append(token)
            found[-1].weights.append(piece.weight)
    found = [chunk for chunk in found if chunk.tokens] or found[:1]
    if len(found) > MOST_CHUNKS:
        told = f"read in {len(found):,} parts, of {most} tokens or up to a BREAK; {MOST_CHUNKS} is the most"
        raise BadRequest(f"The prompt is {told}. Shorten it.")
    return found


def _rest(chunk: PromptChunk, comma: int) -> PromptChunk:
    """The chunk after a full one, starting with what follows the last comma, if that is short."""
    behind = chunk.tokens[::-1].index(comma) if comma in chunk.tokens else 0
    behind = behind if behind <= COMMA_TOKENS else 0
    cut = len(chunk.tokens) - behind
    rest = PromptChunk(chunk.tokens[cut:], chunk.weights[cut:])
    del chunk.tokens[cut:], chunk.weights[cut:]
    return rest


def read(prompt: str, tokenizer: Any, encoder: Any, clip_skip: int, *, normed: bool) -> tuple[torch.Tensor, Any]:
    """Encode a prompt with one of CLIP's text encoders.

    Args:
        clip_skip: which layer to use, counted from the last one, which is 1.
        normed: apply the encoder's last norm, as Stable Diffusion 1.5 expects; SDXL does not.

    Returns:
        (1, 77 * chunks, C), and (1, P) pooled from the first chunk if the encoder has a projection, else None.
    """
    rows, pooled = [], None
    for chunk in chunks(prompt, tokenizer):
        length = tokenizer.model_max_length
        tokens = [tokenizer.bos_token_id, *chunk.tokens, tokenizer.eos_token_id]
        tokens += [tokenizer.pad_token_id] * (length - len(tokens))
        said = encoder(torch.tensor([tokens], device=encoder.device), output_hidden_states=True)
        if pooled is None:
            pooled = getattr(said, "text_embeds", None)
        layer = said.hidden_states[-min(clip_skip, len(said.hidden_states))]
        if normed:
            layer = getattr(encoder, "text_model", encoder).final_layer_norm(layer)
        rows.append(_weighed(layer, [1.0, *chunk.weights, *[1.0] * (length - 1 - len(chunk.weights))]))
    return torch.cat(rows, dim=1), pooled


def _weighed(layer: torch.Tensor, weights: list[float]) -> torch.Tensor:
    """Each token times its weight, rescaled to the original mean. Unchanged if all weights are 1."""
    if all(weight == 1.0 for weight in weights):
        return layer
    weighed = layer.float() * torch.tensor(weights, device=layer.device)[None, :, None]
    before, after = layer.float().mean(), weighed.mean()
    scale = before / after if abs(after) > 1e-6 else torch.ones_like(after)
    return (weighed * scale).to(layer.dtype)


def level(one: torch.Tensor, other: torch.Tensor, nothing: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Two encoded prompts at equal length: the shorter one is padded with empty chunks.

    Args:
        nothing: (1, 77, C), an empty prompt.
    """
    longest = max(one.shape[1], other.shape[1])
    filled = [
        torch.cat([each, *[nothing] * ((longest - each.shape[1]) // nothing.shape[1])], dim=1) for each in (one, other)
    ]
    return filled[0], filled[1]
