"""Every local model as data: its weights, memory needs and supported settings.

A model is added by adding its record here. Sizes, licences and gates are as their pages on the Hub said in November
2026; commits are the ones that Diorama's settings were checked against, so that a picture can be made again. Where it
is a branch, the recipes name the commit that was downloaded.
"""

from __future__ import annotations

from pipelines.records.control import CONTROL
from pipelines.records.flux import FLUX
from pipelines.records.segmentation import SEGMENTATION
from pipelines.records.solid import SOLID
from pipelines.records.stable_diffusion import STABLE_DIFFUSION
from pipelines.records.upscale import SPAN
from pipelines.records.vqgan import VQGAN_CLIP
from pipelines.records.words import WORDS

RECORDS = (*FLUX, *VQGAN_CLIP, *STABLE_DIFFUSION, *CONTROL, *SEGMENTATION, *SOLID, SPAN, *WORDS)
"""In the order in which they are offered on a machine without a GPU."""
