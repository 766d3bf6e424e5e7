"""The Generate column's card about a model's requirements. `preflight.js` draws it."""

from __future__ import annotations

from studio.clouds.alternatives import stand_in
from studio.clouds.spending import in_dollars
from studio.contract import GenerateRequest, ModelSpec, Task
from studio.service import Studio
from ui.shared.model_texts import preflight
from ui.shared.pictures import Answer


def card_of(studio: Studio, owner: str, spec: ModelSpec, request: GenerateRequest) -> Answer:
    """A model's requirements, and who could make the picture instead; cloud models are only suggested.

    Returns:
        Like `model_texts.preflight`, with `offers`, each with `label` and `key` (a provider) or `use` (a model's id);
        empty if the model is ready.
    """
    card = preflight(spec, owner)
    if not card or spec.ready_for(owner).ok:
        return card
    specs = studio.models(Task.GENERATE)
    offers: list[Answer] = [{"label": f"Add a key for {spec.provider}", "key": spec.provider}] if spec.provider else []
    here = next((each for each in specs if not each.provider and each.readiness().ok), None)
    if here:
        offers.append({"label": f"Use {here.label}", "use": here.id})
    found = None if spec.provider else stand_in(request, spec, specs, owner)
    if found:
        about = f", about {in_dollars(found.price_usd)}" if found.price_usd else ""
        offers.append({"label": f"Use {found.spec.label}{about}", "use": found.spec.id})
        if found.lost:
            card["why"] += f" {found.spec.label} has no {' and no '.join(found.lost)}."
    return card | {"offers": offers}
