"""Every local model as data: its weights, memory needs and supported settings.

Add a model by adding its record. Sizes, licences and gates are as of November 2026 on the Hub; commits are those that
Diorama's settings were checked with, so that pictures can be repeated. For branches, recipes name the downloaded
commit.
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
"""In the order offered on a machine without a GPU."""
