"""Google as a record. Prices were public in November 2026 and are shown as "about".

Nothing is computed here.
"""

from __future__ import annotations

from providers.provider import Account, Offer, Provider, Rates, sizes
from studio.contract import Task

ACCOUNT = Account(
    "Google",
    ("GOOGLE_API_KEY", "GEMINI_API_KEY"),  # in the SDK's order: google-genai 3.4, _api_client.py, get_env_api_key
    r"AIza[\w-]{6,}|AQ\.[\w-]{6,}",
    "https://aistudio.google.com/apikey",
    "https://aistudio.google.com/usage",
    "https://ai.google.dev/gemini-api/terms",
)

# Ids: google-genai 3.4, _gaos/types/interactions/model.py. Sizes at 1K: ai.google.dev, "Image generation", as given for
# the Gemini 3 image models. Rates: $30 for 2.1 (github.com/BerriAI/litellm discussion 44983), $120 for 3 Pro, $30 for
# Lite ($0.134 and $0.034 a picture on public price lists). Closing dates: the same discussion, and ai.google.dev.

_GEMINI_1K = sizes(
    (1024, 1024), (1264, 848), (848, 1264), (1200, 896), (896, 1200), (1376, 768), (768, 1376), (1584, 672)
)
_GEMINI_4K = (*_GEMINI_1K, *sizes((2048, 2048), (2752, 1536), (1536, 2752), (4096, 4096)))


# Priced in steps. Source: docs.cloud.google.com, "Gemini 3.1 Flash Image", image generation specifications: 747 tokens
# for 512, 1120 for 1K, 1680 for 2K, 2520 for 4K.
_STEPS = ((0.5, 747 / 1120), (2.0, 1.0), (6.0, 1680 / 1120), (float("inf"), 2520 / 1120))


def _gemini(model: str, label: str, about: str, **more: object) -> Offer:
    values: dict[str, object] = {
        "tasks": frozenset({Task.GENERATE, Task.ITERATE}),
        "sizes": _GEMINI_4K,
        "references": 14,
        "price_steps": _STEPS,
        "page_url": "https://ai.google.dev/gemini-api/docs/image-generation",
    }
    return Offer(id=f"google-{model}", model=model, label=label, account=ACCOUNT, about=about, **(values | more))  # pyright: ignore[reportArgumentType]


_NANO = "gemini-nano-banana-2.1"
OFFERS = (
    _gemini(
        _NANO,
        "Nano Banana 2.1",
        "Edits with words, and keeps what it is not asked to change.",
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
PROVIDER = Provider(
    ACCOUNT,
    OFFERS,
    readers=("gemini-3.8-flash", "gemini-3.5-flash-lite"),  # google-genai 3.4, _gaos/types/interactions/model.py
    service="providers.google.service:connect",
)
