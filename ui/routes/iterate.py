"""Changes and version trees over HTTP: requests as JSON in, jobs and trees out. Knows no layout.

With the browser's token in `X-Diorama-Token`: `POST /diorama/iterate` changes a picture, `/iterate/control` stores its
outlines or depth; `GET` or `POST /diorama/tree` lists all versions; `POST /diorama/tree/rename`, `/delete`, `/restore`
and `/replay` act on them.
"""

from __future__ import annotations

from fastapi import APIRouter, Request

from studio.contract import IterateRequest
from studio.errors import BadRequest
from studio.imaging import edit_codec
from studio.library.tree import TreeNode
from studio.service import Studio
from studio.validation import shown, text_in
from ui.routes.answers import Handler, json_router
from ui.routes.visitors import Visitors
from ui.shared.model_texts import unknown_sentence
from ui.shared.pictures import Answer, picture
from ui.shared.watch import job_told

_LONGEST_EDGE = 200
"""Characters of an instruction shown in the tree; the viewer shows all of it."""


def router(studio: Studio, visitors: Visitors) -> APIRouter:
    """The routes, for `Blocks.launch(app_kwargs={"routes": ...})`."""
    handlers: dict[str, Handler] = {
        "iterate": change,
        "iterate/control": keep_control,
        "tree": tree_of,
        "tree/rename": rename,
        "tree/delete": delete_branch,
        "tree/restore": restore_branch,
        "tree/replay": replay,
    }
    routes = json_router(studio, visitors, handlers, '{"source": "...", "instruction": "make it blue"}')

    @routes.get("/tree")
    def tree(request: Request, id: str = "") -> Answer:
        return tree_of(studio, visitors.sender(request), {"id": id})

    return routes


def change(studio: Studio, owner: str, values: Answer) -> Answer:
    """Queue a job that changes a picture; `values` as `edit_codec.from_json` takes them."""
    return _queued(studio, owner, edit_codec.from_json(values), values)


def keep_control(studio: Studio, owner: str, values: Answer) -> Answer:
    """Queue a job that stores the picture `id`'s outlines or depth, as the model `model` follows them, as a version."""
    maker = studio.model(text_in(values, "model")).control
    return {"job": job_told(studio, studio.control(owner, text_in(values, "id"), maker))}


def replay(studio: Studio, owner: str, values: Answer) -> Answer:
    """Queue one job that repeats the `last` changes that led to the version `id`, one after the other.

    It starts with the picture `source`, uses `model`, and with `new_seed` other seeds. Omitted values stay the same;
    without `last` all changes are repeated.
    """
    job = studio.replay(
        owner,
        text_in(values, "id"),
        source=text_in(values, "source"),
        model=text_in(values, "model"),
        new_seed=values.get("new_seed") is True,
        last=values.get("last", 0),
        confirm_cost=values.get("confirm_cost") is True,
    )
    return {"job": job_told(studio, job)}


def tree_of(studio: Studio, owner: str, values: Answer) -> Answer:
    """All versions related to the picture `id`: {root, nodes}, parents before their children."""
    tree = studio.tree(owner, text_in(values, "id"))
    return {"root": tree.root, "nodes": [_version(studio, node) for node in tree.nodes]}


def rename(studio: Studio, owner: str, values: Answer) -> Answer:
    """Give the picture `id` the name `title`."""
    return {"picture": picture(studio, studio.rename(owner, text_in(values, "id"), text_in(values, "title")))}


def delete_branch(studio: Studio, owner: str, values: Answer) -> Answer:
    """Move the version `id` and its descendants to the trash; answers with their ids, to restore them."""
    return {"ids": list(studio.delete_tree(owner, text_in(values, "id")))}


def restore_branch(studio: Studio, owner: str, values: Answer) -> Answer:
    """Restore the pictures `ids` from the trash, all or none."""
    ids = values.get("ids")
    if not isinstance(ids, list) or not ids or not all(isinstance(id, str) for id in ids):
        raise BadRequest(f"The ids must be a list of ids of pictures, not {shown(ids)}.")
    studio.restore(owner, ids)
    return {}


def _queued(studio: Studio, owner: str, request: IterateRequest, values: Answer) -> Answer:
    """Queue it; with `confirm_cost` even if it exceeds the daily cap."""
    job = studio.iterate(owner, request, confirm_cost=values.get("confirm_cost", False))
    unknown = studio.unknown_words(job.model, request.instruction)
    hint = unknown_sentence(studio.model(job.model), unknown) if unknown else ""
    return {"hint": hint, "job": job_told(studio, job)}


def _version(studio: Studio, node: TreeNode) -> Answer:
    asset, told = node.asset, picture(studio, node.asset)
    said = asset.recipe.prompt if node.parent else ""
    return told | {
        "parent": node.parent,
        "depth": node.depth,
        "deleted": asset.deleted,
        "notice": asset.recipe.notice,
        "instruction": told["title"] if said == asset.title else _short(said),
    }


def _short(instruction: str) -> str:
    return instruction if len(instruction) <= _LONGEST_EDGE else instruction[: _LONGEST_EDGE - 1] + "…"
