"""OpenAI as a record. Prices were public in November 2026 and are shown as "about".

Nothing is computed here.
"""

from __future__ import annotations

from providers.provider import Account, Offer, Provider, Rates, sizes
from studio.contract import Task

ACCOUNT = Account(
    "OpenAI",
    ("OPENAI_API_KEY",),
    r"sk-[\w*-]{6,}",
    "https://platform.openai.com/api-keys",
    "https://platform.openai.com/settings/organization/billing",
    "https://openai.com/policies/services-agreement/",
)

# Ids, qualities and sizes: openai 3.52, types/image_model.py, image_generate_params.py, image_edit_params.py.
# Rates of 2, 2.5 and 2.6: $5 words in, $8 pictures in, $30 pictures out (docs.apiyi.com, 5 Nov 2026; not OpenAI's own
# page); tokens per picture: robotsatlas.com for 2, docs.apiyi.com for 1.5.

_GPT_RATES = Rates(text_in=5.0, image_in=8.0, text_out=10.0, image_out=30.0)
_GPT_USUAL = (("low", 0.006), ("medium", 0.053), ("high", 0.211))
_CLASSIC = sizes((1024, 1024), (1536, 1024), (1024, 1536))
_WIDE = (*_CLASSIC, *sizes((2048, 2048), (2560, 1440), (1440, 2560), (3840, 2160), (2160, 3840)))
_QUALITIES = ("medium", "low", "high")
_FINE_QUALITIES = (*_QUALITIES, "xhigh", "max")


def _gpt(model: str, label: str, about: str, **more: object) -> Offer:
    values: dict[str, object] = {
        "tasks": frozenset({Task.GENERATE, Task.ITERATE}),
        "sizes": _WIDE,
        "qualities": _FINE_QUALITIES,
        "transparent": True,
        "references": 16,
        "mask": True,
        "free_size": True,
        "rates": _GPT_RATES,
        "usual_usd": _GPT_USUAL,
        "page_url": "https://platform.openai.com/docs/models",
    }
    return Offer(id=f"openai-{model}", model=model, label=label, account=ACCOUNT, about=about, **(values | more))  # pyright: ignore[reportArgumentType]


OFFERS = (
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
PROVIDER = Provider(
    ACCOUNT,
    OFFERS,
    readers=("gpt-5.4-mini", "gpt-5-mini"),  # openai 3.52, types/shared/chat_model.py
    service="providers.openai.service:connect",
)
