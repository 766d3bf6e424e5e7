"""What tabs show about providers: the price line, and the line below a prompt. Knows no tab."""

from __future__ import annotations

from studio.clouds.spending import estimate, in_dollars
from studio.completion import default_size
from studio.contract import GenerateRequest, ModelSpec
from studio.errors import NotReady, OverBudget
from studio.service import Studio
from ui.shared.pictures import Answer
from ui.shared.recipe_facts import duration


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
