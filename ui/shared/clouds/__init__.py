"""What tabs show about providers: the price line, and the line below a prompt. Knows no tab."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from studio.clouds.spending import estimate, in_dollars
from studio.completion import default_size
from studio.contract import GenerateRequest, ModelSpec
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
        `news` (pictures were made) and `confirm` (the cost).
    """
    return component(_HERE, "price", "keys", "news", "confirm")


def build_improve(prompt: str) -> gr.HTML:
    """Lay out the line below a prompt: how much of it the model reads, and the button that improves it.

    Args:
        prompt: selector of its text field.

    Returns:
        The component. Its value is what `improve_of` returns and, at its event `words`, `words`: the new prompt.
    """
    return component(_HERE, "improve", "words", prompt=prompt)


def improve_of(studio: Studio, owner: str, spec: ModelSpec) -> Answer:
    """The line below a prompt for this model: who would improve it, and how many tokens the model reads."""
    reader = studio.describing.improver(owner, for_toys=spec.toys_only)
    return {"reader": reader, "model": spec.id, "label": spec.label, "tokens": spec.text_tokens}


def price_of(studio: Studio, owner: str, spec: ModelSpec, request: GenerateRequest) -> Answer:
    """The time or money that pressing the main button would cost.

    Returns:
        `words` and `today`; empty for a model that is fast here, or cannot be used.
    """
    if not spec.ready_for(owner).ok:
        return {}
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
    """The same, with the question whether to exceed the daily cap."""
    return price | {"sentence": error.reason, "offers": [{"label": "Make it anyway", "confirm": True}]}


def refused(error: NotReady, price: Answer) -> Answer:
    """The same, with the reason why the request was refused."""
    return price | {"sentence": str(error), "refused": True}
