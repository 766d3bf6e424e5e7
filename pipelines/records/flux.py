"""FLUX, and the toy, a miniature FLUX.2 klein."""

from __future__ import annotations

from dataclasses import replace

from pipelines.hub.cache import Download
from pipelines.local_model import LocalModel
from pipelines.plan import BITSANDBYTES, Needs, Precision
from pipelines.records.common import APACHE, BOTH, DRAWN_OVER, EDITS, EXAMPLES, STYLES, sizes
from pipelines.records.toy_world import PALETTE
from studio.cards.facts import Demo
from studio.contract import Range, Style

DEV_LICENCE = "https://huggingface.co/black-forest-labs/{}/blob/main/LICENSE.md"
TOY_STYLES = tuple(
    Style(colour, f"On {colour}", f"{{prompt}} on a {colour} background", unless="background")
    for colour in ("blue", "green", "grey", "sand", "pink", "purple")
)
TOY_KLEIN = LocalModel(
    id="toy-klein",
    label="Toy klein",
    family="flux2",
    needs=Needs(text=0.01, transformer=0.02, vae=0.01, step=0.05, decode=0.05),
    text_tokens=32,
    words_file="known_words.json",
    follows="flux2-klein-4b",
    licence="Apache-2.0",
    licence_url=APACHE,
    about="Toy world only: ten objects, ten colours, six backgrounds. Runs anywhere in a second.",
    tasks=BOTH,
    sizes=sizes((256, 256)),
    steps=Range(4, 20, 8),
    guidance=Range(1, 8, 3),
    negative_prompt=True,
    references=1,
    mask=True,
    toys_only=True,
    styles=TOY_STYLES,
    examples=(
        "a red ball on a grey background",
        "a yellow house on a blue background",
        "a green tree and a white snowman",
        "a purple rocket on a pink background",
    ),
    palette=PALETTE,
    demo=Demo("a yellow house on a blue background", 9, "make it red", (0.52, 0.7)),
)

MEGAPIXEL = sizes((1024, 1024), (1216, 832), (832, 1216), (1344, 768), (768, 1344), (512, 512))
ANY_SIZE = (256, 1536, 16)
KONTEXT_SIZES = sizes(
    (1024, 1024),
    *((672, 1568), (688, 1504), (720, 1456), (752, 1392), (800, 1328), (832, 1248), (880, 1184), (944, 1104)),
    *((1104, 944), (1184, 880), (1248, 832), (1328, 800), (1392, 752), (1456, 720), (1504, 688), (1568, 672)),
)
"""Its training sizes. Source: diffusers 0.42.1, pipeline_flux_kontext.py, PREFERRED_KONTEXT_RESOLUTIONS."""
PACKED = (Precision.FULL, Precision.FP8, *BITSANDBYTES)
FLUX1_NEEDS = Needs(text=9.77, transformer=23.8, vae=0.17, step=1.0, decode=2.5, kept=PACKED)
IN_FILES = replace(FLUX1_NEEDS, kept=(*PACKED, Precision.Q8, Precision.Q5, Precision.Q4))


def _gguf(name: str, revision: str) -> tuple[tuple[Precision, Download], ...]:
    """city96's files. Source: https://huggingface.co/city96/FLUX.1-dev-gguf"""
    files = ((Precision.Q8, "Q8_0", 12.7), (Precision.Q5, "Q5_K_S", 8.29), (Precision.Q4, "Q4_K_S", 6.81))
    repo = f"city96/{name}-gguf"
    return tuple(
        (precision, Download(repo, revision, gb=gb, file=f"{name.lower().replace('.1', '1')}-{mark}.gguf"))
        for precision, mark, gb in files
    )


# Distilled: no guidance, and so no negative prompt.
KLEIN = LocalModel(
    id="flux2-klein-4b",
    label="FLUX.2 klein 4B",
    family="flux2",
    download=Download("black-forest-labs/FLUX.2-klein-4B", "e7b7dc27f91deacad38e78976d1f2b499d76a294", gb=16.0),
    needs=Needs(text=8.05, transformer=7.75, vae=0.17, step=1.0, decode=2.5, kept=PACKED),
    text_tokens=512,
    licence="Apache-2.0",
    licence_url=APACHE,
    about="Draws anything you can say, in four steps.",
    tasks=BOTH,
    sizes=MEGAPIXEL,
    any_size=ANY_SIZE,
    steps=Range(1, 12, 4),
    references=4,
    mask=True,
    styles=STYLES,
    examples=EXAMPLES,
)
# Distilled to few steps: no guidance, and trained on prompts of up to 256 tokens.
SCHNELL = replace(
    KLEIN,
    id="flux1-schnell",
    label="FLUX.1 schnell",
    family="flux1",
    download=Download(
        "black-forest-labs/FLUX.1-schnell", "741f7c3ce8b383c54771c7003378a50191e9efe9", gb=33.7, gated=True
    ),
    gguf=_gguf("FLUX.1-schnell", "f495746ed9c5efcf4661f53ef05401dceadc17d2"),
    needs=IN_FILES,
    text_tokens=256,
    about="Large and quick: four steps, good at scenes with many parts. Changes a picture by drawing over it.",
    references=1,
    strength=DRAWN_OVER,
)
# Guidance is an input and costs nothing; it was not trained for negative prompts.
DEV = replace(
    SCHNELL,
    id="flux1-dev",
    label="FLUX.1 dev",
    download=Download("black-forest-labs/FLUX.1-dev", "3de623fc3c33e44ffbe2bad470d0f45bccf2eb21", gb=33.7, gated=True),
    gguf=_gguf("FLUX.1-dev", "main"),
    text_tokens=512,
    licence="FLUX.1-dev non-commercial",
    licence_url=DEV_LICENCE.format("FLUX.1-dev"),
    about="The finest detail, in 28 steps. The model is not for commercial use.",
    steps=Range(8, 50, 28),
    guidance=Range(1, 10, 3.5),
)
# Guidance is the model card's, https://huggingface.co/black-forest-labs/FLUX.1-Kontext-dev
KONTEXT = LocalModel(
    id="flux1-kontext-dev",
    label="FLUX.1 Kontext dev",
    family="flux1-kontext",
    download=Download(
        "black-forest-labs/FLUX.1-Kontext-dev", "24e9dedc4ef646698dc8eb4e18ae2cec3c9fea0d", gb=33.7, gated=True
    ),
    needs=replace(FLUX1_NEEDS, step=1.6),  # reads the source beside its own picture: twice the tokens
    text_tokens=512,
    licence="FLUX.1-dev non-commercial",
    licence_url=DEV_LICENCE.format("FLUX.1-Kontext-dev"),
    about="Changes a picture as you say and keeps the rest, in 28 steps. The model is not for commercial use.",
    tasks=EDITS,
    sizes=KONTEXT_SIZES,
    steps=Range(8, 50, 28),
    guidance=Range(1, 10, 2.5),
    references=1,
)
# Guidance and steps are the model card's, https://huggingface.co/black-forest-labs/FLUX.1-Fill-dev
FILL = replace(
    KONTEXT,
    id="flux1-fill-dev",
    label="FLUX.1 Fill dev",
    family="flux1-fill",
    download=Download(
        "black-forest-labs/FLUX.1-Fill-dev", "358293da0354175698b67ec8299acf928313a78a", gb=33.7, gated=True
    ),
    needs=FLUX1_NEEDS,
    licence_url=DEV_LICENCE.format("FLUX.1-Fill-dev"),
    about="Fills what you paint over, or extends a picture: say what is to be there. Not for commercial use.",
    sizes=MEGAPIXEL,
    any_size=ANY_SIZE,
    steps=Range(8, 50, 50),
    guidance=Range(1, 60, 30),
    mask=True,
    mask_only=True,
)

FLUX = (TOY_KLEIN, KLEIN, SCHNELL, DEV, KONTEXT, FILL)
