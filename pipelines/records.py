"""Every model that runs on this machine as data: where its weights are, what they need, and what it honours.

A model is added by adding its record here. Sizes, licences and gates are as their pages on the Hub said in November
2026; commits are the ones that Diorama's settings were checked against, so that a picture can be made again. Where it
is a branch, the recipes name the commit that was downloaded.
"""

from __future__ import annotations

from dataclasses import replace

from pipelines import records_vqgan
from pipelines.hub.cache import Download
from pipelines.local_model import LocalModel
from pipelines.plan import Needs, Whole
from studio.contract import Demo, Range, Size, Style, Task

APACHE = "https://www.apache.org/licenses/LICENSE-2.0"
DEV_LICENCE = "https://huggingface.co/black-forest-labs/{}/blob/main/LICENSE.md"
BOTH = frozenset({Task.GENERATE, Task.ITERATE})
EDITS = frozenset({Task.ITERATE})


def sizes(*sides: tuple[int, int]) -> tuple[Size, ...]:
    return tuple(Size(*each) for each in sides)


# --- pictures: the toy ------------------------------------------------------------------------------------------------

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
    sizes=sizes((128, 128)),
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
        "a green tree and a white snowman on a sand background",
        "a purple rocket on a pink background",
    ),
    demo=Demo("a yellow house on a blue background", 1, "make it red", (0.52, 0.7)),
)

# --- pictures: FLUX ---------------------------------------------------------------------------------------------------

MEGAPIXEL = sizes((1024, 1024), (1216, 832), (832, 1216), (1344, 768), (768, 1344), (512, 512))
ANY_SIZE = (256, 1536, 16)
KONTEXT_SIZES = sizes(
    (1024, 1024),
    *((672, 1568), (688, 1504), (720, 1456), (752, 1392), (800, 1328), (832, 1248), (880, 1184), (944, 1104)),
    *((1104, 944), (1184, 880), (1248, 832), (1328, 800), (1392, 752), (1456, 720), (1504, 688), (1568, 672)),
)
"""What it was trained on. Source: diffusers 0.42.1, pipeline_flux_kontext.py, PREFERRED_KONTEXT_RESOLUTIONS."""
FLUX1_NEEDS = Needs(text=9.77, transformer=23.8, vae=0.17, step=1.0, decode=2.5)
DRAWN_OVER = Range(0.1, 1, 0.75)
"""Strengths of a model that knows no instructions: below, nothing can be seen of what was asked."""
STYLES = (
    Style("photo", "Photograph", "{prompt}, photograph, natural light, 35 mm lens, sharp focus"),
    Style("cinema", "Cinematic", "{prompt}, cinematic still, dramatic light, shallow depth of field, film grain"),
    Style("watercolour", "Watercolour", "{prompt}, watercolour painting, soft edges, paper texture"),
    Style("ink", "Ink drawing", "{prompt}, black ink drawing, fine lines, white paper"),
    Style("clay", "Clay figure", "{prompt}, handmade clay figure, stop-motion, soft studio light"),
    Style("isometric", "Isometric", "{prompt}, isometric 3D render, clean shapes, pastel colours"),
    Style("product", "Product shot", "{prompt}, product photograph, plain light background, soft shadow"),
)
EXAMPLES = (
    "a fox asleep in a teacup, morning light",
    "a paper-cut city at night with glowing windows",
    "a small robot watering a bonsai tree",
)
# Distilled: guidance is not a control, and without guidance there is no negative prompt.
KLEIN = LocalModel(
    id="flux2-klein-4b",
    label="FLUX.2 klein 4B",
    family="flux2",
    download=Download("black-forest-labs/FLUX.2-klein-4B", "e7b7dc27f91deacad38e78976d1f2b499d76a294", gb=16.0),
    needs=Needs(text=8.05, transformer=7.75, vae=0.17, step=1.0, decode=2.5),
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
# Distilled to few steps: it has no guidance, and was trained on prompts of up to 256 tokens.
SCHNELL = LocalModel(
    id="flux1-schnell",
    label="FLUX.1 schnell",
    family="flux1",
    download=Download(
        "black-forest-labs/FLUX.1-schnell", "741f7c3ce8b383c54771c7003378a50191e9efe9", gb=33.7, gated=True
    ),
    needs=FLUX1_NEEDS,
    text_tokens=256,
    licence="Apache-2.0",
    licence_url=APACHE,
    about="Large and quick: four steps, good at scenes with many parts. Changes a picture by drawing over it.",
    tasks=BOTH,
    sizes=MEGAPIXEL,
    any_size=ANY_SIZE,
    steps=Range(1, 12, 4),
    references=1,
    mask=True,
    strength=DRAWN_OVER,
    styles=STYLES,
    examples=EXAMPLES,
)
# Guidance goes in as a number and costs nothing; a negative prompt is not what it was made for.
DEV = LocalModel(
    id="flux1-dev",
    label="FLUX.1 dev",
    family="flux1",
    download=Download("black-forest-labs/FLUX.1-dev", "3de623fc3c33e44ffbe2bad470d0f45bccf2eb21", gb=33.7, gated=True),
    needs=FLUX1_NEEDS,
    licence="FLUX.1-dev non-commercial",
    licence_url=DEV_LICENCE.format("FLUX.1-dev"),
    about="The finest detail, in 28 steps. The model is not for commercial use.",
    tasks=BOTH,
    sizes=MEGAPIXEL,
    any_size=ANY_SIZE,
    steps=Range(8, 50, 28),
    guidance=Range(1, 10, 3.5),
    references=1,
    mask=True,
    strength=DRAWN_OVER,
    styles=STYLES,
    examples=EXAMPLES,
)
# Guidance is the model card's, https://huggingface.co/black-forest-labs/FLUX.1-Kontext-dev
KONTEXT = LocalModel(
    id="flux1-kontext-dev",
    label="FLUX.1 Kontext dev",
    family="flux1-kontext",
    download=Download("black-forest-labs/FLUX.1-Kontext-dev", "main", gb=33.7, gated=True),
    needs=replace(FLUX1_NEEDS, step=1.6),  # it reads the picture beside the one it draws: twice the tokens
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
FILL = LocalModel(
    id="flux1-fill-dev",
    label="FLUX.1 Fill dev",
    family="flux1-fill",
    download=Download("black-forest-labs/FLUX.1-Fill-dev", "main", gb=33.7, gated=True),
    needs=FLUX1_NEEDS,
    licence="FLUX.1-dev non-commercial",
    licence_url=DEV_LICENCE.format("FLUX.1-Fill-dev"),
    about="Fills what you paint over, or extends a picture: say what is to be there. Not for commercial use.",
    tasks=EDITS,
    sizes=MEGAPIXEL,
    any_size=ANY_SIZE,
    steps=Range(8, 50, 50),
    guidance=Range(1, 60, 30),
    references=1,
    mask=True,
    mask_only=True,
)

# --- segmentation: SAM 2.1 --------------------------------------------------------------------------------------------

LOCAL_SAM = "DIORAMA_SAM"
"""Names a checkpoint on this disk, such as /models/sam2.1_hiera_large.pt; its size is read off its name."""
TOY_SAM = LocalModel(
    id="toy-sam",
    label="Toy SAM",
    family="sam2",
    needs=Whole(),
    follows="sam2.1-tiny",
    licence="Apache-2.0",
    licence_url=APACHE,
    about="Small and quick: made for the toy world and simple pictures.",
    toys_only=True,
    tasks=frozenset({Task.SEGMENT}),
)


def _sam(size: str, variant: str, gb: float, gpu_gb: float, label: str, about: str) -> LocalModel:
    """
    Args:
        size: as in the names of repositories and files; source: sam2/build_sam.py.
        variant: of the configuration.
    """
    repo, file = size.replace("_", "-"), f"sam2.1_hiera_{size}.pt"
    return replace(
        TOY_SAM,
        id=f"sam2.1-{repo}",
        label=label,
        download=Download(f"facebook/sam2.1-hiera-{repo}", "main", gb=gb, file=file, local=LOCAL_SAM),
        needs=Whole(gpu_gb),
        variant=variant,
        follows="",
        toys_only=False,
        about=about,
    )


SAMS = (
    _sam("large", "l", 0.9, 2.4, "SAM 2.1 large", "The most exact masks, of anything in any picture."),
    _sam("base_plus", "b+", 0.32, 1.4, "SAM 2.1 base+", "Nearly as exact as the large one, at a third of its size."),
    _sam("small", "s", 0.18, 1.1, "SAM 2.1 small", "Good masks of anything; quick on any GPU."),
    _sam(
        *("tiny", "t", 0.16, 1.0, "SAM 2.1 tiny"),
        "The smallest that knows any picture; some seconds per picture without a GPU.",
    ),
)

# --- 3D ---------------------------------------------------------------------------------------------------------------

TOY_VIEWS = LocalModel(
    id="toy-views",
    label="Toy views",
    family="imagedream",
    needs=Whole(),
    follows="lgm",
    optional=True,
    licence="Apache-2.0",
    licence_url=APACHE,
    about="Toy world only: what its ten kinds of objects look like from behind.",
    toys_only=True,
    tasks=frozenset({Task.VIEWS}),
    steps=Range(4, 50, 10),
    guidance=Range(1, 8, 1),
    elevation_deg=21.0,  # in the middle of what its pictures have; source: toybox.world.sample_scene
)
TOY_LGM = LocalModel(
    id="toy-lgm",
    label="Toy LGM",
    family="lgm",
    needs=Whole(),
    follows="lgm",
    optional=True,
    licence="Apache-2.0",
    licence_url=APACHE,
    about="Toy world only: a splat in seconds, anywhere.",
    toys_only=True,
    tasks=frozenset({Task.SPLAT}),
    seed=False,
)
# Steps and guidance as LGM's own app asks for them. Source: 3DTopia/LGM infer.py.
IMAGEDREAM = LocalModel(
    id="imagedream",
    label="ImageDream",
    family="imagedream",
    download=Download("ashawkey/imagedream-ipmv-diffusers", "73a034178e748421506492e91790cc62d6aefef5", gb=4.0),
    # 3.3 GB of float16 weights, and what ten latents of 32 x 32 take on their way through.
    needs=Whole(gpu_gb=6.0, card=True, half=True),
    otherwise="Four pictures of your own do as well.",
    licence="CreativeML OpenRAIL",
    about="Imagines any single object from four sides, 256 pixels each.",
    tasks=frozenset({Task.VIEWS}),
    steps=Range(10, 50, 30),
    guidance=Range(1, 10, 5),
)
LGM = LocalModel(
    id="lgm",
    label="LGM",
    family="lgm",
    download=Download(
        "ashawkey/LGM", "bc0097d24ffc5efc2e6a216edd579128f85f53ab", gb=0.83, file="model_fp16_fixrot.safetensors"
    ),
    # In float32 its forward takes 3.3 GB and half a minute of one core (measured).
    needs=Whole(gpu_gb=3.0, ram_gb=8.0, half=True),
    otherwise="Run it on another machine.",
    licence="MIT",
    about="Four views of any object to 65,536 Gaussians, in a second on a GPU.",
    tasks=frozenset({Task.SPLAT}),
    seed=False,
)

SPAN = LocalModel(
    id="span",
    label="SPAN",
    family="span",
    needs=Whole(),
    licence="Apache-2.0",
    licence_url=APACHE,
    about="Enlarges clean pictures 2 or 4 times, in a second without a GPU.",
    tasks=frozenset({Task.UPSCALE}),
    scales=(2, 4),
    seed=False,
)

RECORDS = (
    *(TOY_KLEIN, KLEIN, SCHNELL, DEV, KONTEXT, FILL),
    *records_vqgan.RECORDS,
    *(TOY_SAM, *SAMS),
    *(TOY_VIEWS, TOY_LGM, IMAGEDREAM, LGM),
    SPAN,
)
"""In the order in which they are offered on a machine without a GPU."""
