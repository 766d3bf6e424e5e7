"""What the providers offer, as data: ids, sizes, prices, closing dates, and who follows whom.

Ids, sizes and closing dates are those of the SDKs' sources where a comment names one; prices are what public pages said
in November 2026 and are shown as "about". Nothing is computed in here.
"""

from __future__ import annotations

from providers.keys import GOOGLE, HUGGING_FACE, OPENAI, Account
from providers.offer import Offer, Rates
from studio.contract import Range, Size, Style, Task

BOTH = frozenset({Task.GENERATE, Task.ITERATE})
DRAWS = frozenset({Task.GENERATE})
EDITS = frozenset({Task.ITERATE})


def _sizes(*sizes: tuple[int, int]) -> tuple[Size, ...]:
    return tuple(Size(*size) for size in sizes)


# --- OpenAI -----------------------------------------------------------------------------------------------------------
# Ids, qualities and sizes: openai 3.52, types/image_model.py, image_generate_params.py, image_edit_params.py.
# Rates of 2, 2.5 and 2.6: $5 words in, $8 pictures in, $30 pictures out (docs.apiyi.com, 5 Nov 2026; not OpenAI's own
# page); what a picture usually takes: robotsatlas.com for 2, docs.apiyi.com for 1.5.

_GPT_RATES = Rates(text_in=5.0, image_in=8.0, text_out=10.0, image_out=30.0)
_GPT_USUAL = (("low", 0.006), ("medium", 0.053), ("high", 0.211))
_CLASSIC = _sizes((1024, 1024), (1536, 1024), (1024, 1536))
_WIDE = (*_CLASSIC, *_sizes((2048, 2048), (2560, 1440), (1440, 2560), (3840, 2160), (2160, 3840)))
_QUALITIES = ("medium", "low", "high")
_FINE_QUALITIES = (*_QUALITIES, "xhigh", "max")
_OPENAI_TERMS = "https://openai.com/policies/services-agreement/"


def _gpt(model: str, label: str, about: str, **more: object) -> Offer:
    values: dict[str, object] = {
        "tasks": BOTH,
        "sizes": _WIDE,
        "qualities": _FINE_QUALITIES,
        "transparent": True,
        "references": 16,
        "mask": True,
        "free_size": True,
        "rates": _GPT_RATES,
        "usual_usd": _GPT_USUAL,
        "terms_url": _OPENAI_TERMS,
        "page_url": "https://platform.openai.com/docs/models",
    }
    return Offer(f"openai-{model}", model, label, OPENAI, about, **(values | more))  # pyright: ignore[reportArgumentType]


OPENAI_OFFERS = (
    _gpt("gpt-image-2.6-flare", "GPT Image 2.6 Flare", "Quick and good with words in pictures."),
    _gpt(
        "gpt-image-2.6-sunburst",
        "GPT Image 2.6 Sunburst",
        "The finest detail, and steady over many edits; slower.",
        next="gpt-image-2.6-flare",
    ),
    _gpt("gpt-image-2.5-flare", "GPT Image 2.5 Flare", "The Flare before 2.6.", next="gpt-image-2.6-flare"),
    _gpt("gpt-image-2.5-sunburst", "GPT Image 2.5 Sunburst", "The Sunburst before 2.6.", next="gpt-image-2.6-sunburst"),
    _gpt(
        "gpt-image-2",
        "GPT Image 2",
        "The model of April 2026.",
        qualities=_QUALITIES,
        next="gpt-image-2.6-flare",
    ),
    _gpt(
        "gpt-image-1.5",
        "GPT Image 1.5",
        "Keeps faces of a reference; three sizes.",
        sizes=_CLASSIC,
        free_size=False,
        qualities=_QUALITIES,
        fidelity=True,
        rates=Rates(text_in=5.0, image_in=8.0, text_out=10.0, image_out=32.0),
        usual_usd=(("low", 0.009), ("medium", 0.034), ("high", 0.133)),
        next="gpt-image-2.6-flare",
    ),
    _gpt(
        "gpt-image-1-mini",
        "GPT Image 1 mini",
        "The cheapest of the family.",
        sizes=_CLASSIC,
        free_size=False,
        qualities=_QUALITIES,
        rates=Rates(text_in=2.0, image_in=2.5, text_out=8.0, image_out=8.0),
        usual_usd=(("low", 0.005), ("medium", 0.011), ("high", 0.036)),
        next="gpt-image-2.6-flare",
    ),
    _gpt(
        "gpt-image-1",
        "GPT Image 1",
        "Closed.",
        sizes=_CLASSIC,
        free_size=False,
        qualities=_QUALITIES,
        retired_on="2026-10-23",
        next="gpt-image-2.6-flare",
    ),
)

# --- Google -----------------------------------------------------------------------------------------------------------
# Ids: google-genai 3.4, _gaos/types/interactions/model.py. Sizes at 1K: ai.google.dev, "Image generation", as given for
# the Gemini 3 image models. Rates: $30 for 2.1 (github.com/BerriAI/litellm discussion 44983), $120 for 3 Pro, $30 for
# Lite ($0.134 and $0.034 a picture on public price lists). Closing dates: the same discussion, and ai.google.dev.

_GEMINI_1K = _sizes(
    (1024, 1024), (1264, 848), (848, 1264), (1200, 896), (896, 1200), (1376, 768), (768, 1376), (1584, 672)
)
_GEMINI_4K = (*_GEMINI_1K, *_sizes((2048, 2048), (2752, 1536), (1536, 2752), (4096, 4096)))
_GOOGLE_TERMS = "https://ai.google.dev/gemini-api/terms"


def _gemini(model: str, label: str, about: str, **more: object) -> Offer:
    values: dict[str, object] = {
        "tasks": BOTH,
        "sizes": _GEMINI_4K,
        "references": 14,
        "terms_url": _GOOGLE_TERMS,
        "page_url": "https://ai.google.dev/gemini-api/docs/image-generation",
    }
    return Offer(f"google-{model}", model, label, GOOGLE, about, **(values | more))  # pyright: ignore[reportArgumentType]


_NANO = "gemini-nano-banana-2.1"
GOOGLE_OFFERS = (
    _gemini(
        _NANO,
        "Nano Banana 2.1",
        "Edits by words, and keeps what it is not asked to change.",
        rates=Rates(text_in=1.5, image_in=1.5, text_out=7.5, image_out=30.0),
        usual_usd=(("", 0.0336),),
        next="gemini-3-pro-image",
    ),
    _gemini(
        "gemini-3-pro-image",
        "Nano Banana Pro",
        "Thinks first: diagrams, much text, many references.",
        rates=Rates(text_in=2.0, image_in=2.0, text_out=12.0, image_out=120.0),
        usual_usd=(("", 0.134),),
        next=_NANO,
    ),
    _gemini(
        "gemini-3.1-flash-lite-image",
        "Nano Banana 2 Lite",
        "Quick drafts, one megapixel.",
        sizes=_GEMINI_1K,
        rates=Rates(text_in=0.25, image_in=0.25, text_out=1.5, image_out=30.0),
        usual_usd=(("", 0.034),),
        next=_NANO,
    ),
    _gemini("gemini-3.1-flash-image", "Nano Banana 2", "Closed.", retired_on="2026-10-29", next=_NANO),
    _gemini("gemini-2.5-flash-image", "Nano Banana", "Closed.", retired_on="2026-10-02", next=_NANO),
)

# --- Hugging Face -----------------------------------------------------------------------------------------------------
# What a picture costs depends on whose machines draw it; where there is a price it is fal's for one megapixel.

_FLUX = _sizes((1024, 1024), (1216, 832), (832, 1216), (1344, 768), (768, 1344), (512, 512))
_HF_TERMS = "https://huggingface.co/terms-of-service"
HUGGING_FACE_OFFERS = (
    Offer(
        "hf-flux1-schnell",
        "black-forest-labs/FLUX.1-schnell",
        "FLUX.1 schnell",
        HUGGING_FACE,
        "Large and quick, on somebody else's GPU.",
        DRAWS,
        _FLUX,
        (256, 1536, 32),
        seed=True,
        usual_usd=(("", 0.003),),
        terms_url=_HF_TERMS,
        page_url="https://huggingface.co/black-forest-labs/FLUX.1-schnell",
    ),
    Offer(
        "hf-flux1-dev",
        "black-forest-labs/FLUX.1-dev",
        "FLUX.1 dev",
        HUGGING_FACE,
        "The finest detail of the FLUX.1 family.",
        DRAWS,
        _FLUX,
        (256, 1536, 32),
        seed=True,
        steps=Range(8, 50, 28),
        guidance=Range(1, 10, 3.5),
        usual_usd=(("", 0.025),),
        terms_url=_HF_TERMS,
        page_url="https://huggingface.co/black-forest-labs/FLUX.1-dev",
    ),
    Offer(
        "hf-sdxl",
        "stabilityai/stable-diffusion-xl-base-1.0",
        "Stable Diffusion XL",
        HUGGING_FACE,
        "Known for its many styles; takes a negative prompt.",
        DRAWS,
        _FLUX,
        (512, 1536, 64),
        seed=True,
        steps=Range(10, 50, 30),
        guidance=Range(1, 15, 7),
        negative_prompt=True,
        terms_url=_HF_TERMS,
        page_url="https://huggingface.co/stabilityai/stable-diffusion-xl-base-1.0",
    ),
    Offer(
        "hf-flux1-kontext",
        "black-forest-labs/FLUX.1-Kontext-dev",
        "FLUX.1 Kontext",
        HUGGING_FACE,
        "Changes one picture by words.",
        EDITS,
        _FLUX,
        (256, 1536, 32),
        references=1,
        guidance=Range(1, 10, 2.5),
        usual_usd=(("", 0.025),),
        terms_url=_HF_TERMS,
        page_url="https://huggingface.co/black-forest-labs/FLUX.1-Kontext-dev",
    ),
)
OFFERS = (*OPENAI_OFFERS, *GOOGLE_OFFERS, *HUGGING_FACE_OFFERS)

STYLES = (
    Style("photo", "Photograph", "{prompt}, photograph, natural light, 35 mm lens, sharp focus"),
    Style("cinema", "Cinematic", "{prompt}, cinematic still, dramatic light, shallow depth of field, film grain"),
    Style("watercolour", "Watercolour", "{prompt}, watercolour painting, soft edges, paper texture"),
    Style("ink", "Ink drawing", "{prompt}, black ink drawing, fine lines, white paper"),
)
EXAMPLES = (
    'a poster that says "Open on Sunday", two colours, risograph print',
    "a cutaway drawing of a lighthouse, labelled in neat handwriting",
    "a fox asleep in a teacup, morning light",
)

# --- words ------------------------------------------------------------------------------------------------------------
# Small models that see: for describing a picture and for better prompts. The first is asked, the next if it is gone.
# Ids: openai 3.52, types/shared/chat_model.py; google-genai 3.4, _gaos/types/interactions/model.py.

READERS: dict[Account, tuple[str, ...]] = {
    OPENAI: ("gpt-5.4-mini", "gpt-5-mini"),
    GOOGLE: ("gemini-3.8-flash", "gemini-3.5-flash-lite"),
    HUGGING_FACE: ("Qwen/Qwen3-VL-8B-Instruct", "Qwen/Qwen2.5-VL-7B-Instruct"),
}
