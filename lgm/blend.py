"""Alpha-blends ellipses front to back in tiles of a picture, with a hand-written gradient. Knows no cameras.

Autograd alone would give the same at three times the cost, and most of a splat's time is spent here.
With alpha the opacity of an ellipse at a pixel and T the transmittance after all up to and including it:

    T_i = (1 - alpha_1) ... (1 - alpha_i)      w_i = alpha_i T_(i-1) = T_i / (1 - alpha_i) - T_i      C = sum w_i f_i
    dC/df_i = w_i      dC/dalpha_i = (T_i f_i - sum of w_j f_j over all j behind i) / (1 - alpha_i)

Source: Kerbl et al., https://arxiv.org/abs/2308.04079, equation 3; constants of graphdeco-inria's rasterizer.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

OPAQUEST = 0.99
FAINTEST = 1 / 255
"""The maximum alpha of an ellipse at a pixel, and the minimum below which it is skipped."""
SHUT = 1e-4
"""The transmittance at which a pixel is done: ellipses that would go below it are not drawn, nor any behind them."""


class _Layers(NamedTuple):
    """K ellipses in each of A tiles, per pixel; [A, K, pixels] unless noted."""

    alpha: Tensor  # 0 where too faint
    clear: Tensor  # 1 - alpha
    through: Tensor  # transmittance after each, including earlier slices; 0 where the pixel is done
    weights: Tensor  # 0 where the pixel is done
    left: Tensor  # [A, pixels] the remaining transmittance

    @classmethod
    def of(cls, terms: Tensor, basis: Tensor, through: Tensor) -> _Layers:
        # `threshold`, not `where`, which is forty times slower on a CPU
        alpha = torch.threshold_((terms @ basis).exp_().clamp_(max=OPAQUEST), FAINTEST, 0.0)
        clear = 1 - alpha
        after = clear.cumprod(dim=1).mul_(through[:, None])
        left = after[:, -1].clone()
        torch.threshold_(after, SHUT, 0.0)
        return cls(alpha, clear, after, (after / clear).sub_(after), left)


class Blend(torch.autograd.Function):
    """`Blend.apply(terms, features, through, basis)` blends K ellipses in each of A tiles.

    Args:
        terms: [A, K, 6] log alpha of each, as a polynomial of `basis`; -inf: nowhere.
        features: [A, K, C] what they show.
        through: [A, pixels] the transmittance before them.
        basis: [6, pixels].

    Returns:
        [A, C, pixels] to add to the picture, and [A, pixels] the remaining transmittance.

    The backward pass recomputes everything from these: nothing the size of the pixels is kept.
    """

    @staticmethod
    def forward(ctx: Any, terms: Tensor, features: Tensor, through: Tensor, basis: Tensor) -> tuple[Tensor, Tensor]:
        layers = _Layers.of(terms, basis, through)
        ctx.save_for_backward(terms, features, through, basis)
        return features.transpose(1, 2) @ layers.weights, layers.left

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        terms, features, through, basis = ctx.saved_tensors
        seen, left = gradients  # [A, C, pixels], [A, pixels]
        layers = _Layers.of(terms, basis, through)
        wanted = features @ seen  # [A, K, pixels]: the gain if each were opaque
        brought = layers.weights * wanted
        total = brought.sum(1) + left * layers.left
        behind = total[:, None] - brought.cumsum(1)
        own = layers.through.mul_(wanted)  # T_i f_i
        of_alpha = own.sub_(behind).div_(layers.clear)
        grows = torch.threshold_(layers.alpha.neg_(), -OPAQUEST, 0.0)  # -alpha, 0 where it was clamped
        of_terms = of_alpha.mul_(grows).neg_() @ basis.t()
        of_features = (seen @ layers.weights.transpose(1, 2)).transpose(1, 2)
        of_through = total / through.clamp(min=torch.finfo(through.dtype).tiny)
        return of_terms, of_features, of_through, None
