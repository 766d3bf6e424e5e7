"""What A1111's users write between their words, and how CLIP reads it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import CLIPTextConfig, CLIPTextModel

from pipelines.prompt_weights import chunks, level, pieces, read
from studio.errors import BadRequest
from tests.pipelines.tiny import clip_tokenizer

TOKENIZER = clip_tokenizer()


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("", []),
        ("a red fox", [("a red fox", 1.0)]),
        ("a (red) fox", [("a ", 1.0), ("red", 1.1), (" fox", 1.0)]),
        ("((red))", [("red", 1.21)]),
        ("(a (red:1.5) fox:1.2)", [("a ", 1.2), ("red", 1.8), (" fox", 1.2)]),
        ("[red]", [("red", 1 / 1.1)]),
        ("[[red]]", [("red", 1 / 1.21)]),
        ("(red:.5)(blue: 2 )(green:-1)", [("red", 0.5), ("blue", 2.0), ("green", -1.0)]),
        (r"fox \(animal\) \[x\] a\\b", [(r"fox (animal) [x] a\b", 1.0)]),
        (r"(fox \(animal\):1.3)", [("fox (animal)", 1.3)]),
        ("12:30 at night, ratio 16:9", [("12:30 at night, ratio 16:9", 1.0)]),
        ("a:1.2) fox", [("a:1.2) fox", 1.0)]),
        ("a fox) in ]snow", [("a fox) in ]snow", 1.0)]),
        ("a (red fox", [("a ", 1.0), ("red fox", 1.1)]),
        ("a [red (fox", [("a ", 1.0), ("red ", 1 / 1.1), ("fox", 1.0)]),
        ("()[] (:1.2)", [(" ", 1.0)]),
        ("(:1.2)", []),
        ("(red:abc)", [("red:abc", 1.1)]),
        ("fox BREAK snow", [("fox ", 1.0), None, (" snow", 1.0)]),
        ("(fox BREAK snow:1.2)", [("fox ", 1.2), None, (" snow", 1.2)]),
        ("BREAKFAST", [("BREAKFAST", 1.0)]),
        ("(red:99999)", [("red", 10.0)]),
    ],
)
def test_weights_are_read_as_a1111_reads_them(prompt: str, wanted: list[Any]):
    found = pieces(prompt)
    assert [piece and piece.text for piece in found] == [piece and piece[0] for piece in wanted]
    assert [piece and piece.weight for piece in found] == pytest.approx([piece and piece[1] for piece in wanted])


def test_brackets_that_are_never_closed_are_read_in_passing():
    """10,000 characters of them took 8 s, and these a quarter of an hour."""
    found = pieces("(a" * 50_000)
    assert [each.weight for each in found if each] == pytest.approx([*(1.1**depth for depth in range(1, 25)), 10.0])


def test_more_chunks_than_anybody_writes_are_refused():
    assert len(chunks("x BREAK " * 50, TOKENIZER)) == 50
    with pytest.raises(BadRequest, match=r"read in 1,250 parts, .* 50 is the most"):
        chunks("x BREAK " * 1250, TOKENIZER)


def test_long_prompts_are_cut_into_chunks_at_a_comma_that_is_near():
    ids = TOKENIZER("x, yz", add_special_tokens=False).input_ids
    assert [chunk.tokens for chunk in chunks("x, yz", TOKENIZER)] == [ids]
    assert [len(chunk.tokens) for chunk in chunks("", TOKENIZER)] == [0]
    assert [len(chunk.tokens) for chunk in chunks("x" * 150, TOKENIZER)] == [75, 75]
    near, far = "x" * 69 + "," + "y" * 10, "x" * 40 + "," + "y" * 60
    assert [len(chunk.tokens) for chunk in chunks(near, TOKENIZER)] == [70, 10]
    assert [len(chunk.tokens) for chunk in chunks(far, TOKENIZER)] == [75, 26]
    parts = chunks("x" * 5 + " BREAK " + "(" + "y" * 80 + ":1.5)" + " BREAK", TOKENIZER)
    assert [len(chunk.tokens) for chunk in parts] == [5, 75, 5]
    assert [set(chunk.weights) for chunk in parts] == [{1.0}, {1.5}, {1.5}]


@pytest.fixture(scope="module")
def encoder() -> CLIPTextModel:
    torch.manual_seed(0)
    config = CLIPTextConfig(
        vocab_size=len(TOKENIZER),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        bos_token_id=TOKENIZER.bos_token_id,
        eos_token_id=TOKENIZER.eos_token_id,
        pad_token_id=TOKENIZER.pad_token_id,
    )
    model = CLIPTextModel(config).eval()
    torch.nn.init.constant_(model.final_layer_norm.bias, 0.5)  # a trained one's mean is not 0
    return model


@torch.no_grad()
def test_tokens_are_weighed_and_the_whole_is_as_large_as_before(encoder: CLIPTextModel):
    plain, _ = read("red fox", TOKENIZER, encoder, 1, normed=True)
    assert torch.equal(plain, encoder(TOKENIZER("red fox", padding="max_length", return_tensors="pt").input_ids)[0])
    weighed, _ = read("red (fox:1.4)", TOKENIZER, encoder, 1, normed=True)
    assert weighed.mean().item() == pytest.approx(plain.mean().item(), rel=1e-4)
    ratio = (weighed / plain)[0].median(dim=1).values
    begin, red, fox, end = ratio[0], ratio[1], ratio[5], ratio[8]
    assert (red / begin).item() == pytest.approx(1, rel=1e-4) == (end / begin).item()
    assert (fox / begin).item() == pytest.approx(1.4, rel=1e-4)
    assert read("(red fox:0)", TOKENIZER, encoder, 1, normed=True)[0].isfinite().all()


@torch.no_grad()
def test_a_shorter_prompt_is_followed_by_empty_chunks(encoder: CLIPTextModel):
    short, long, nothing = (read(text, TOKENIZER, encoder, 1, normed=True)[0] for text in ("fox", "x" * 200, ""))
    one, other = level(short, long, nothing)
    assert one.shape == other.shape == (1, 231, 16)
    assert torch.equal(one, torch.cat([short, nothing, nothing], dim=1)) and torch.equal(other, long)


def test_of_a_projection_the_first_chunk_is_pooled():
    """As A1111 does; without one there is nothing to pool."""
    seen: list[list[int]] = []

    def project(tokens: torch.Tensor, *, output_hidden_states: bool) -> Any:
        seen.append(tokens[0].tolist())
        return SimpleNamespace(text_embeds=tokens[:, 1:3], hidden_states=(tokens[..., None].float(),))

    project.device = torch.device("cpu")
    tokens, pooled = read("x" * 100, TOKENIZER, project, 1, normed=False)
    assert tokens.shape == (1, 154, 1) and pooled.tolist() == [seen[0][1:3]]
    assert [len(each) for each in seen] == [77, 77]
