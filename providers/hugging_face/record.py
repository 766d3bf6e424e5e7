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
OFFERS = (
    Offer(
        id="hf-flux1-schnell",
        model="black-forest-labs/FLUX.1-schnell",
        label="FLUX.1 schnell",
        account=ACCOUNT,
        about="Large and quick, on somebody else's GPU.",
        tasks=frozenset({Task.GENERATE}),
        sizes=_FLUX,
        any_size=(256, 1536, 32),
        seed=True,
        usual_usd=(("", 0.003),),
        page_url="https://huggingface.co/black-forest-labs/FLUX.1-schnell",
    ),
    Offer(
        id="hf-flux1-dev",
        model="black-forest-labs/FLUX.1-dev",
        label="FLUX.1 dev",
        account=ACCOUNT,
        about="The finest detail of the FLUX.1 family.",
        tasks=frozenset({Task.GENERATE}),
        sizes=_FLUX,
        any_size=(256, 1536, 32),
        seed=True,
        steps=Range(8, 50, 28),
        guidance=Range(1, 10, 3.5),
        usual_usd=(("", 0.025),),
        page_url="https://huggingface.co/black-forest-labs/FLUX.1-dev",
    ),
    Offer(
        id="hf-sdxl",
        model="stabilityai/stable-diffusion-xl-base-1.0",
        label="Stable Diffusion XL",
        account=ACCOUNT,
        about="Known for its many styles; takes a negative prompt.",
        tasks=frozenset({Task.GENERATE}),
        sizes=_FLUX,
        any_size=(512, 1536, 64),
        seed=True,
        steps=Range(10, 50, 30),
        guidance=Range(1, 15, 7),
        negative_prompt=True,
        page_url="https://huggingface.co/stabilityai/stable-diffusion-xl-base-1.0",
    ),
    Offer(
        id="hf-flux1-kontext",
        model="black-forest-labs/FLUX.1-Kontext-dev",
        label="FLUX.1 Kontext",
        account=ACCOUNT,
        about="Changes one picture with words.",
        tasks=frozenset({Task.ITERATE}),
        sizes=_FLUX,
        any_size=(256, 1536, 32),
        references=1,
        guidance=Range(1, 10, 2.5),
        usual_usd=(("", 0.025),),
        page_url="https://huggingface.co/black-forest-labs/FLUX.1-Kontext-dev",
    ),
)
PROVIDER = Provider(
    ACCOUNT,
    OFFERS,
    readers=("Qwen/Qwen3-VL-8B-Instruct", "Qwen/Qwen2.5-VL-7B-Instruct"),
    service="providers.hugging_face.service:connect",
    settings=("HF_INFERENCE_PROVIDER", "HF_BILL_TO"),
)
