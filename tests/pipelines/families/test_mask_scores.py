"""Scores of masks that count how sure a small SAM is of them."""

import torch

from pipelines.mask_scores import count_sureness, sure_scores
from toybox.sam.model import build_model

SIDE = 16


def firm(columns: int, height: float = 8.0) -> torch.Tensor:
    """Logits (S, S) of a mask of the first columns."""
    logits = torch.full((SIDE, SIDE), -height)
    logits[:, :columns] = height
    return logits


def test_a_firm_mask_beats_a_hesitant_one_of_a_slightly_higher_score() -> None:
    hesitant, away = firm(8, height=0.4), firm(SIDE) - firm(8)
    logits = torch.stack([firm(8), firm(8), hesitant, away])[None]
    scores = sure_scores(logits, torch.tensor([[0.7, 0.7, 0.75, 0.75]]))[0]
    assert scores[1] > scores[2]
    assert scores[1] > scores[3]


def test_a_sure_mask_keeps_a_perfect_score_and_the_single_mask_its_own() -> None:
    scores = sure_scores(firm(8).expand(2, 4, -1, -1), torch.tensor([[0.3, 1.0, 1.0, 0.5]] * 2))
    assert torch.allclose(scores, torch.tensor([[0.3, 1.0, 1.0, 0.65]] * 2))


def test_empty_masks_lose_and_are_numbers() -> None:
    scores = sure_scores(firm(0).expand(1, 4, -1, -1), torch.full((1, 4), 0.5))[0]
    assert torch.allclose(scores, torch.tensor([0.5, 0.35, 0.35, 0.35]))


def test_a_decoder_gives_the_same_masks_with_other_scores() -> None:
    torch.manual_seed(1)
    model = build_model(64).eval()
    sparse, dense = model.sam_prompt_encoder(
        points=(torch.tensor([[[20.0, 30.0]]]), torch.tensor([[1]])), boxes=None, masks=None
    )
    prompt = {
        "image_embeddings": torch.randn(1, 128, 4, 4),
        "image_pe": model.sam_prompt_encoder.get_dense_pe(),
        "sparse_prompt_embeddings": sparse,
        "dense_prompt_embeddings": dense,
        "repeat_image": False,
        "high_res_features": [torch.randn(1, 16, 16, 16), torch.randn(1, 32, 8, 8)],
    }
    logits, scores, *_ = model.sam_mask_decoder.predict_masks(**prompt)
    count_sureness(model.sam_mask_decoder)
    masks, surer, *_ = model.sam_mask_decoder(**prompt, multimask_output=True)
    assert torch.equal(masks, logits[:, 1:])
    assert torch.equal(surer, sure_scores(logits, scores)[:, 1:])
