"""Which models a LoRA was made for, by the names and shapes of its tensors. Without torch.

The layouts are those of kohya's scripts, peft, ai-toolkit, XLabs and LyCORIS. Source of the rules: diffusers 0.42.1,
loaders/lora_conversion_utils.py.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pipelines.checkpoint_kinds import Shapes

EITHER = "FLUX.1 or FLUX.2"
CLIP = "the text encoder of Stable Diffusion 1.5, SDXL or FLUX.1"
"""CLIP ViT-L/14, which all three use."""
_ANY_OF = {EITHER: ("FLUX.1", "FLUX.2"), CLIP: ("Stable Diffusion 1.5", "SDXL", "FLUX.1")}
WIDTH = 3072
"""Of FLUX.1 and FLUX.2 klein 4B."""
_NAMES = {("FLUX.1", WIDTH): "FLUX.1", ("FLUX.2", WIDTH): "FLUX.2 klein 4B", (EITHER, WIDTH): f"{EITHER} klein 4B"}
_NAMES |= {("FLUX.2", 4096): "FLUX.2 klein 9B", ("FLUX.2", 6144): "FLUX.2 dev"}
"""By the width of the network. Source: black-forest-labs/flux2, src/flux2/model.py, `hidden_size`."""
_FORMS = {"hada_": "LoHa", "lokr_": "LoKr", "oft_": "OFT"}
"""Other kinds of adapters, trained by LyCORIS; by a part of tensor names."""
_FLUX = re.compile(
    r"^(?:transformer\.|diffusion_model\.|base_model\.model\.|lora_unet_|lora_transformer_)?"
    r"(?:single_)?(?:double_blocks|single_blocks|transformer_blocks)[._]"
)
_FLUX2_MARKS = ("to_qkv_mlp_proj", "ff.linear_", "stream_modulation")
_FLUX1_MARKS = ("proj_mlp", "ff.net.", "norm1.linear", "_mod_lin", ".processor.")
_SDXL_MARKS = ("input_blocks_", "output_blocks_", "middle_block_", "lora_te2_", "text_encoder_2.")
_ONLY_SDXL = re.compile(r"(?:down|up|mid)_block.*transformer_blocks[._][1-9]")
_ONLY_SD = re.compile(r"down_blocks[._]0[._]attentions|up_blocks[._]3[._]")
"""Layers that only this UNet has."""
_CLIP = re.compile(r"lora_te1?_|text_encoder\.")
_BY_WIDTH = {768: "Stable Diffusion 1.5", 1024: "Stable Diffusion 2", 2048: "SDXL"}


class Made(NamedTuple):
    """What a LoRA changes."""

    family: str  # "SDXL", "FLUX.1", one of the constants above; "": unknown
    width: int = 0  # of the network's tokens, if models of the family differ; 0: they do not
    form: str = ""  # one of `_FORMS`; "": a plain LoRA

    @property
    def name(self) -> str:
        """Of such models, for people."""
        named = _NAMES.get((self.family, self.width), "")
        return named or (f"a {self.family} of width {self.width}" if self.width else self.family)

    def fits(self, model: Made) -> bool:
        """Whether a model of that family and width has its layers; a width of 0 matches any."""
        if self.form or (self.width and model.width and self.width != model.width):
            return False
        return model.family in (self.family, *_ANY_OF.get(self.family, ()))


def made_for(shapes: Shapes) -> Made:
    """From the tensors of a file."""
    text = "\n".join(shapes)
    form = next((form for mark, form in _FORMS.items() if mark in text), "")
    if "query_norm.scale" in text:
        return Made("FLUX.1 control", 0, form)
    if any(_FLUX.match(name) for name in shapes):
        width = _narrowest({name: shape for name, shape in shapes.items() if _FLUX.match(name)})
        return Made(_flux(shapes, text, width or WIDTH), width, form)
    return Made(_stable_diffusion(shapes, text), 0, form)


def _stable_diffusion(shapes: Shapes, text: str) -> str:
    if any(mark in text for mark in _SDXL_MARKS):
        return "SDXL"
    widths = {shape[1] for name, shape in shapes.items() if re.search(r"attn2.to_[kv]", name) and _is_down(name)}
    if widths:
        return next((_BY_WIDTH[width] for width in widths if width in _BY_WIDTH), "")
    if _ONLY_SDXL.search(text) or _ONLY_SD.search(text):
        return "SDXL" if _ONLY_SDXL.search(text) else "Stable Diffusion 1.5"
    width = _narrowest({name: shape for name, shape in shapes.items() if _CLIP.match(name)})
    if text.startswith("lora_te_"):  # kohya's scripts number the others
        return _BY_WIDTH.get(width, "")
    return CLIP if width == 768 else ""


def _flux(shapes: Shapes, text: str, width: int) -> str:
    if any(mark in text for mark in _FLUX2_MARKS):
        return "FLUX.2"
    if any(mark in text for mark in _FLUX1_MARKS) or re.search(
        r"single_transformer_blocks[._]\d+[._]attn[._]to_q", text
    ):
        return "FLUX.1"
    rows = {name: shape[0] // width for name, shape in shapes.items() if len(shape) > 1 and not _is_down(name)}
    for name, times in rows.items():
        if re.search(r"single_blocks[._]\d+[._]linear1|img_mlp[._]0", name) and times in (4, 6, 7, 9):
            return "FLUX.1" if times in (4, 7) else "FLUX.2"
    if width != WIDTH:
        return "FLUX.2"
    blocks = re.findall(r"(?:double_blocks|\btransformer_blocks)[._](\d+)", text)
    return "FLUX.1" if max(map(int, blocks), default=0) > 7 else EITHER


def _narrowest(shapes: Shapes) -> int:
    """The smallest dimension of any layer, which is the width of the tokens; 0 if no layer is known."""
    into = [shape[1] for name, shape in shapes.items() if len(shape) == 2 and _is_down(name)]
    out_of = [shape[0] for name, shape in shapes.items() if len(shape) == 2 and _is_up(name)]
    return min([*into, *out_of], default=0)


def _is_down(name: str) -> bool:
    return any(mark in name for mark in ("lora_down", "lora_A", ".down.", "hada_w1_b"))


def _is_up(name: str) -> bool:
    return any(mark in name for mark in ("lora_up", "lora_B", ".up.", "hada_w1_a"))
