"""The quick page: one box, one picture. A separate page, without gradio, that browsers can install as an app."""

from __future__ import annotations

from pathlib import Path

from studio.contract import GenerateRequest, ModelSpec, Task
from studio.service import Studio
from ui.shared.clouds import price_of
from ui.shared.model_texts import is_offered, known_of, unknown_sentence
from ui.shared.own_page import own_page
from ui.shared.pictures import Answer, text
from ui.shared.scripts import SCRIPTS

_HERE = Path(__file__).parent
_ICONS = f"../../{SCRIPTS}/ui/quick"
"""The address of its icons, relative to its manifest."""


def document() -> str:
    """The whole page."""
    sheets = (*(f"shared/style/{name}.css" for name in ("palette", "toast")), "shared/stardust/stardust.css")
    page = own_page(_HERE / "quick.js", *sheets)
    return page.replace("{icons}", f"{SCRIPTS}/ui/quick")


def manifest() -> Answer:
    """What browsers need to install it. Source: https://www.w3.org/TR/appmanifest/

    Addresses are relative to that of the manifest, `diorama/quick/manifest.json`.
    """
    icons = [
        {"src": f"{_ICONS}/icon-{side}.png", "sizes": f"{side}x{side}", "type": "image/png"} for side in (192, 512)
    ]
    return {
        "id": "../../quick",
        "name": "Diorama",
        "short_name": "Diorama",
        "description": "Say what you want to see, and see it form.",
        "start_url": "../../quick",
        "scope": "../../quick",
        "display": "standalone",
        "launch_handler": {"client_mode": "focus-existing"},
        "background_color": "#161514",
        "theme_color": "#161514",
        "icons": [*icons, icons[-1] | {"purpose": "maskable"}],
    }


def worker() -> bytes:
    """The service worker."""
    return (_HERE / "worker.js").read_bytes()


def models(studio: Studio, owner: str, _question: Answer) -> Answer:
    """The models that can make a picture here and now, local ones first: `{models}`."""
    ready = [spec for spec in studio.models(Task.GENERATE) if is_offered(spec, owner) and spec.ready_for(owner).ok]
    ready.sort(key=lambda spec: bool(spec.provider))
    return {"models": [_choice(studio, owner, spec) for spec in ready]}


def make(studio: Studio, owner: str, question: Answer) -> Answer:
    """Queue a picture of `prompt` by `model` with default settings: `{job, note}`, its id and the words the model does
    not know. Refused above the daily cap, unless with `confirm_cost`.
    """
    spec, prompt = studio.model(text(question, "model")), text(question, "prompt")
    job = studio.generate(owner, GenerateRequest(prompt, spec.id), confirm_cost=question.get("confirm_cost") is True)
    unknown = studio.unknown_words(spec.id, prompt)
    return {"job": job.id, "note": unknown_sentence(spec, unknown) if unknown else ""}


ROUTES = {"quick/models": models, "quick/make": make}


def _choice(studio: Studio, owner: str, spec: ModelSpec) -> Answer:
    price = price_of(studio, owner, spec, GenerateRequest("", spec.id)).get("words", "")
    download = known_of(spec, owner).removeprefix(spec.about).strip()
    hint = " ".join(filter(None, (price and f"{price}.", download)))
    example = next(iter(spec.examples), "")
    return {"id": spec.id, "label": spec.label, "about": spec.about, "hint": hint, "example": example}
