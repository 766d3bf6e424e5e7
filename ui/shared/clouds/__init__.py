"""What a tab says about providers: the line about the price, and the button that improves a prompt. Knows no tab."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from studio.clouds.alternatives import stand_in
from studio.clouds.spending import estimate, in_dollars
from studio.completion import default_size
from studio.contract import GenerateRequest, ModelSpec, Task
from studio.errors import NotReady, OverBudget
from studio.service import Studio
from ui.shared.pictures import Answer
from ui.shared.recipe_facts import duration
from ui.shared.scripts import component

_HERE = Path(__file__).parent


def build_price() -> gr.HTML:
    """Lay out the line above the main button.

    Returns:
        The component. Its value is what `price_of` returns; its events are `keys` (a key was pasted or forgotten),
        `news` (pictures were made), `confirm` (the cost) and `use` (id: of the model that is taken instead).
    """
    return component(_HERE, "price", "keys", "news", "confirm", "use")


def build_improve(prompt: str) -> gr.HTML:
    """Lay out the button under a prompt.

    Args:
        prompt: selector of its text field.

    Returns:
        The component. Its value is `{token, reader}` and, at its event `words`, `words`: what the prompt becomes.
    """
    return component(_HERE, "improve", "words", prompt=prompt)


def price_of(studio: Studio, owner: str, spec: ModelSpec, request: GenerateRequest) -> Answer:
    """What is to be said before the main button is pressed: a price, a missing key, or who could do it instead.

    Returns:
        `words` and `today` where it costs; `sentence` and `offers`, each with `label` and `key` (a provider) or `use`
        (a model's id), where it cannot be made like this; nothing for a model of this machine that is ready.
    """
    ready = spec.ready_for(owner)
    if not ready.ok:
        return _instead(studio, owner, spec, request)
    if not spec.provider:
        size, steps = request.size or default_size(spec), request.steps or 0
        seconds = spec.seconds(steps, size) if spec.seconds else None
        return {"words": f"About {duration(seconds)} a picture here"} if seconds else {}
    cost, spent = estimate(spec, request), studio.spending.today(owner)
    count = f" for {request.count}" if request.count > 1 else ""
    words = "Billed by usage; the price is not known in advance" if cost is None else f"About {in_dollars(cost)}{count}"
    cap = "" if spent.cap is None else f" of {in_dollars(spent.cap)}"
    today = f"{in_dollars(spent.total)}{cap} today" if spent.total else ""
    return {"words": words, "today": today}


def asking(error: OverBudget, price: Answer) -> Answer:
    """The same, with the question whether it may cost more than the daily cap."""
    return price | {"sentence": error.reason, "offers": [{"label": "Make it anyway", "confirm": True}]}


def refused(error: NotReady, price: Answer) -> Answer:
    """The same as what was wrong with the press on the main button."""
    return price | {"sentence": price.get("sentence", str(error)), "refused": True}


def _instead(studio: Studio, owner: str, spec: ModelSpec, request: GenerateRequest) -> Answer:
    """Why a model cannot be used, and what can be done about it; a cloud is only offered, nothing is sent."""
    ready, specs = spec.ready_for(owner), studio.models(Task.GENERATE)
    sentence = ready.hint or f"{spec.label} {ready.label}."
    offers: list[Answer] = [{"label": f"Add a key of {spec.provider}", "key": spec.provider}] if spec.provider else []
    here = next((each for each in specs if not each.provider and each.readiness().ok), None)
    if here:
        offers.append({"label": f"Use {here.label}", "use": here.id})
    found = None if spec.provider else stand_in(request, spec, specs, owner)
    if found:
        about = f", about {in_dollars(found.price_usd)}" if found.price_usd else ""
        offers.append({"label": f"Use {found.spec.label}{about}", "use": found.spec.id})
        if found.lost:
            sentence += f" {found.spec.label} has no {' and no '.join(found.lost)}."
    return {"sentence": sentence, "offers": offers}
