"""Replays: repeats the changes that led to a version, each on the previous result. Knows no queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from studio import completion, validation
from studio.contract import MAX_PICTURES, IterateRequest, ModelSpec
from studio.errors import BadRequest
from studio.imaging import edit_codec
from studio.library.assets import Asset
from studio.recipe import Recipe

_CHAIN = "chain"


def request_of(recipe: Recipe) -> IterateRequest | None:
    """The request that made a version, for one picture; None if no change made it."""
    if recipe.edit is None or not recipe.parents:
        return None
    named: dict[str, Any] = {"source": recipe.parents[0], "instruction": recipe.prompt}
    said = vars(recipe) | vars(recipe.edit) | named
    return IterateRequest(**{each.name: said[each.name] for each in fields(IterateRequest) if each.name in said})


def requests_of(versions: Sequence[Asset], last: int) -> list[IterateRequest]:
    """The changes that led from the first version of a branch to its end.

    Args:
        versions: from the root to the end of the branch.
        last: how many of the latest changes; 0: all of them.

    Raises:
        BadRequest: there are none, too many, or one that cannot be repeated.
    """
    if isinstance(last, bool) or not isinstance(last, int) or last < 0:
        raise BadRequest(f"The number of changes must be a whole number, 0 for all, not {validation.shown(last)}.")
    changes = list(versions[1:])[-last:] if last else list(versions[1:])
    if not changes:
        raise BadRequest(
            "This picture was not made by a change, so there is nothing to replay. Choose a version that was."
        )
    if len(changes) > MAX_PICTURES:
        raise BadRequest(f"{len(changes)} changes lead to this version; at most {MAX_PICTURES} are replayed at once.")
    found: list[IterateRequest] = []
    for asset in changes:
        request = request_of(asset.recipe)
        if request is None:
            raise BadRequest(f"{validation.shown(asset.title)} does not say how it was made. Replay fewer changes.")
        found.append(request)
    return found


def model_of(requests: Sequence[IterateRequest], model: str) -> str:
    """The model for all changes: the requested one, or theirs.

    Raises:
        BadRequest: they were made with several.
    """
    used = dict.fromkeys(request.model for request in requests)
    if not model and len(used) > 1:
        raise BadRequest(f"These changes were made with {' and '.join(used)}. Choose one model for all of them.")
    return model or next(iter(used))


def fitted(request: IterateRequest, spec: ModelSpec, *, new_seed: bool) -> IterateRequest:
    """One change for this model; settings of another model are reset."""
    is_same = request.model == spec.id
    wanted = replace(request, model=spec.id, count=1, seed=None if new_seed or not spec.seed else request.seed)
    if not is_same or request.precision not in spec.precisions:
        wanted = replace(wanted, precision="")
    if not is_same or not spec.fast:
        wanted = replace(wanted, fast=False)
    if not is_same:
        wanted = replace(wanted, steps=None, guidance=None, strength=None, negative_prompt="", quality="")
        wanted = replace(wanted, transparent=request.transparent and spec.transparent, clip_skip=None)
        wanted = replace(wanted, control=request.control if spec.control else "", control_strength=None, sampler="")
    return completion.completed_edit(wanted, spec)


def to_json(requests: Sequence[IterateRequest]) -> dict[str, Any]:
    """The row of a job: the changes, their source, and what restricts which worker can do it."""
    precision = next((each.precision for each in requests if each.precision), "")
    ways = {"precision": precision, "fast": any(each.fast for each in requests)}
    return {"source": requests[0].source, **ways, _CHAIN: [asdict(request) for request in requests]}


def is_chain(values: dict[str, Any]) -> bool:
    return _CHAIN in values


def link(values: dict[str, Any], index: int, before: str | None) -> IterateRequest:
    """One change of a chain.

    Args:
        values: of a job row.
        before: asset id of the previous change's result; None: this is the first.
    """
    request = edit_codec.from_json(values[_CHAIN][index])
    return request if before is None else replace(request, source=before)
