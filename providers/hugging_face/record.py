"""Hugging Face as a record. Prices were public in November 2026 and are shown as "about".

Nothing is computed here.
"""

from __future__ import annotations

from providers.provider import Account, Offer, Provider, sizes
from studio.contract import Range, Task

ACCOUNT = Account(
    "Hugging Face",
    ("HF_TOKEN",),
    r"hf_\w{6,}(?:[.-][\w-]+)*",
    "https://huggingface.co/settings/tokens",
    "https://huggingface.co/settings/billing",
    "https://huggingface.co/terms-of-service",
)

# The price depends on the inference provider; where one is given it is fal's for one megapixel.

_FLUX = sizes((1024, 1024), (1216, 832), (832, 1216), (1344, 768), (768, 1344), (512, 512))


def _hub(id: str, model: str, label: str, about: str, **more: object) -> Offer:
    values: dict[str, object] = {
        "tasks": frozenset({Task.GENERATE}),
        "sizes": _FLUX,
        "any_size": (256, 1536, 32),
        "page_url": f"https://huggingface.co/{model}",
    }
    return Offer(id=f"hf-{id}", model=model, label=label, account=ACCOUNT, about=about, **(values | more))  # pyright: ignore[reportArgumentType]


OFFERS = (
    _hub(
        "flux1-schnell",
        "black-forest-labs/FLUX.1-schnell",
        "FLUX.1 schnell",
        "Large and quick, on somebody else's GPU.",
        seed=True,
        usual_usd=(("", 0.003),),
    ),
    _hub(
        "flux1-dev",
        "black-forest-labs/FLUX.1-dev",
        "FLUX.1 dev",
        "The finest detail of the FLUX.1 family.",
        seed=True,
        steps=Range(8, 50, 28),
        guidance=Range(1, 10, 3.5),
        usual_usd=(("", 0.025),),
    ),
    _hub(
        "sdxl",
        "stabilityai/stable-diffusion-xl-base-1.0",
        "Stable Diffusion XL",
        "Known for its many styles; takes a negative prompt.",
        any_size=(512, 1536, 64),
        seed=True,
        steps=Range(10, 50, 30),
        guidance=Range(1, 15, 7),
        negative_prompt=True,
    ),
    _hub(
        "flux1-kontext",
        "black-forest-labs/FLUX.1-Kontext-dev",
        "FLUX.1 Kontext",
        "Changes one picture with words.",
        tasks=frozenset({Task.ITERATE}),
        references=1,
        guidance=Range(1, 10, 2.5),
        usual_usd=(("", 0.025),),
    ),
)
PROVIDER = Provider(
    ACCOUNT,
    OFFERS,
    readers=("Qwen/Qwen3-VL-8B-Instruct", "Qwen/Qwen2.5-VL-7B-Instruct"),
    service="providers.hugging_face.service:connect",
    settings=("HF_INFERENCE_PROVIDER", "HF_BILL_TO"),
)
