"""The recipe inside a picture: everything needed to make it again, readable by other tools too.

A PNG has it twice: as JSON in an iTXt chunk "diorama" (complete) and as A1111's `parameters` text. Reading trusts
nothing: a wrong length, checksum, encoding or type means "no recipe".
"""

from __future__ import annotations

import json
import re
import secrets
import struct
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from PIL.PngImagePlugin import PngInfo

from studio.contract import MAX_PICTURES
from studio.png_chunks import chunks, keyword_of, text_of
from studio.recipe.course import CourseRecipe, read_course
from studio.recipe.edit import EditRecipe, read_edit
from studio.recipe.grid import GridRecipe, read_grid
from studio.recipe.selection import SelectionRecipe, read_selection, selection_values
from studio.recipe.solid import RenderRecipe, SplatRecipe, ViewsRecipe, read_render, read_splat, read_views
from studio.recipe.values import is_asset_id, is_number, is_text, is_whole

APP_VERSION = "0.1.0"
KEYWORD = "diorama"
MAX_CHUNKS = 10_000
MAX_PART = 500_000
"""Characters of a part that is text: more than 20,000 brush points have."""

Kind = Literal["image", "mask", "object", "view", "splat"]
UPLOAD = "upload"
"""The task of an uploaded picture."""
NOW = 0.0
"""The creation time of a new recipe, which the store replaces."""
MAX_UPLOADED_SEED = 2**64 - 1
"""ComfyUI's maximum; seeds made here stay within MAX_SEED."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What made one asset: every value as it was used. Never contains a key."""

    id: str = field(default_factory=lambda: secrets.token_hex(16))  # of the asset: 32 hex digits
    kind: Kind
    owner: str
    job_id: str = ""  # "" when no job made it
    index: int = 0  # which picture of the job, from 0
    task: str
    model: str = ""
    revision: str = ""  # of the weights
    prompt: str = ""  # as typed
    prompt_sent: str = ""  # as the model got it, style included
    style: str = ""
    negative_prompt: str = ""
    width: int
    height: int
    steps: int | None = None  # None: the model has no such setting
    guidance: float | None = None
    seed: int | None = None  # None: the model took none, so the picture cannot be repeated
    parents: tuple[str, ...] = ()
    created: float = NOW  # Unix time, seconds; NOW until it is stored
    seconds: float = 0.0  # how long the model took, without loading
    title: str
    app: str = f"Diorama {APP_VERSION}"
    source: str = ""  # of an upload: the tool its recipe is from, or "file" if it has none; "": made here
    left_out: str = ""  # what another tool's recipe said that this one has no field for
    sha256: str = ""  # of the uploaded file, to store it once; "": made here
    quality: str = ""  # of a model with several
    transparent: bool = False  # without a background
    clip_skip: int | None = None  # layer of the text encoder, from the last one; None: the model has no such setting
    precision: str = ""  # of the weights, such as "nf4"; "": 16 bits or more
    fast: bool = False  # made by a compiled network, which rounds differently
    control: str = ""  # asset id of the picture it follows; for changed pictures see `edit`
    control_strength: float | None = None
    sampler: str = ""  # of a model that has several
    price_usd: float | None = None  # the provider's charge; None: none, or unknown
    notice: str = ""  # what its owner should know: another model answered
    selection: SelectionRecipe | None = None  # of an object selected with clicks, a box or strokes
    edit: EditRecipe | None = None  # of a changed picture
    views: ViewsRecipe = field(default=ViewsRecipe())  # of a view, and of a splat made from views
    splat: SplatRecipe = field(default=SplatRecipe())  # of a splat
    render: RenderRecipe = field(default=RenderRecipe())  # of a picture of a splat
    course: CourseRecipe = field(default=CourseRecipe())  # of a picture whose model reports its steps
    grid: GridRecipe = field(default=GridRecipe())  # of a sheet that compares pictures


_NAMES = tuple(each.name for each in fields(Recipe))
_PARTS = {each.name: each.default for each in fields(Recipe)[_NAMES.index("selection") :]}
"""The nested records and their empty values."""
_LATER = {each.name: each.default for each in fields(Recipe)[_NAMES.index("source") :]}
"""Fields that the earliest recipes do not have."""
_TEXTS = ("selection", "edit", "turning")
"""The parts that were JSON strings until 29 November 2026; "turning" is now three."""


class FoundRecipe(NamedTuple):
    """A recipe as read from a file, with its text and the file's size in pixels."""

    recipe: Recipe
    text: str
    width: int
    height: int


def to_values(recipe: Recipe) -> dict[str, Any]:
    """As JSON values; empty parts are left out."""
    values = asdict(recipe)
    if recipe.selection:
        values["selection"] = selection_values(recipe.selection)
    unsaid = {**_PARTS, "precision": "", "fast": False, "control": "", "control_strength": None, "sampler": ""}
    empty = [name for name, nothing in unsaid.items() if getattr(recipe, name) == nothing]
    return {name: value for name, value in values.items() if name not in empty}


def to_text(recipe: Recipe) -> str:
    return json.dumps(to_values(recipe), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def from_text(text: str) -> Recipe | None:
    """The recipe in this JSON, or None if it is not one. Unknown keys (of a newer Diorama) are ignored."""
    try:
        return from_values(json.loads(text, parse_constant=_refuse))
    except (ValueError, RecursionError):
        return None


def from_values(values: object) -> Recipe | None:
    """The recipe in these JSON values, or None if they are not one."""
    if not isinstance(values, dict) or any(len(str(values.get(name, ""))) > MAX_PART for name in _TEXTS[1:]):
        return None
    known = _known(values)
    return Recipe(**known) if len(known) == len(_NAMES) and _is_well_formed(known) else None


def of_row(text: str) -> Recipe:
    """The recipe in a row of the index, which was checked when it was added."""
    return Recipe(**_known(json.loads(text)))


def _known(values: dict[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = _LATER | {name: values[name] for name in _NAMES if name in values}
    known["parents"] = tuple(known["parents"]) if isinstance(known.get("parents"), list) else None
    return known | _parts(values)


def _parts(values: dict[str, Any]) -> dict[str, Any]:
    """The nested records; malformed ones count as missing."""
    selection, edit, turning = (_opened(values.get(name)) for name in _TEXTS)
    turning = turning and turning | {"ids": turning.get("views"), "count": turning.get("splats")}
    views, splat, render = (_opened(values.get(name)) or turning or {} for name in ("views", "splat", "render"))
    course = _opened(values.get("course")) or {}
    return {
        "selection": None if selection is None else read_selection(selection),
        "edit": None if edit is None else read_edit(edit),
        "views": read_views(views),
        "splat": read_splat(splat),
        "render": read_render(render),
        "course": read_course(course),
        "grid": read_grid(_opened(values.get("grid")) or {}),
    }


def _opened(value: object) -> dict[str, Any] | None:
    """A part as an object, parsed if it is JSON text; None if it is neither."""
    if isinstance(value, str) and value:
        try:
            value = json.loads(value, parse_constant=lambda constant: None)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def png_text(recipe: Recipe) -> PngInfo:
    """The text chunks of a PNG with this recipe."""
    chunks = PngInfo()
    chunks.add_itxt(KEYWORD, to_text(recipe))
    if recipe.prompt_sent:  # else it is an upload without settings
        chunks.add_text("parameters", parameters(recipe))
    return chunks


def parameters(recipe: Recipe) -> str:
    """A1111's format. Source: AUTOMATIC1111/stable-diffusion-webui modules/infotext_utils.py."""
    pairs: list[tuple[str, object]] = [
        ("Steps", recipe.steps),
        ("CFG scale", recipe.guidance),
        ("Seed", recipe.seed),
        ("Size", f"{recipe.width}x{recipe.height}"),
        ("Model", _quoted(recipe.model)),
        ("Clip skip", recipe.clip_skip),
        ("Sampler", recipe.sampler or None),
        ("Version", recipe.app),
    ]
    negative = f"Negative prompt: {recipe.negative_prompt}\n" if recipe.negative_prompt else ""
    line = ", ".join(f"{name}: {value}" for name, value in pairs if value is not None)
    return f"{recipe.prompt_sent}\n{negative}{line}"


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if re.search("[,:\n]", value) else value


def read_png(path: Path) -> FoundRecipe | None:
    """The recipe in a PNG file, or None. Reads the chunk headers and one chunk, never the pixels. Raises OSError."""
    with path.open("rb") as file:
        width = height = 0
        for chunk in chunks(file, (b"IHDR", b"iTXt"), MAX_CHUNKS):
            if chunk.kind == b"IHDR" and chunk.body is not None and len(chunk.body) == 13:
                width, height = struct.unpack(">II", chunk.body[:8])
            elif chunk.kind == b"iTXt" and keyword_of(chunk) == KEYWORD:
                text = text_of(chunk)
                recipe = None if text is None else from_text(text)
                if text is None or recipe is None or not (width and height):
                    return None  # try no other: a file may have thousands, each compressed a thousandfold
                return FoundRecipe(recipe, text, width, height)
    return None


def _is_well_formed(values: dict[str, Any]) -> bool:
    texts = ("owner", "job_id", "task", "model", "revision", "prompt", "prompt_sent", "style", "negative_prompt")
    texts += ("title", "app", "source", "left_out", "quality", "precision", "sampler", "notice")
    return (
        all(is_text(values[name]) for name in texts)
        and isinstance(values["transparent"], bool)
        and isinstance(values["fast"], bool)
        and (values["price_usd"] is None or is_number(values["price_usd"]))
        and isinstance(values["sha256"], str)
        and re.fullmatch("([0-9a-f]{64})?", values["sha256"]) is not None
        and is_asset_id(values["id"])
        and (values["control"] == "" or is_asset_id(values["control"]))
        and (values["control_strength"] is None or is_number(values["control_strength"]))
        and values["kind"] in get_args(Kind)
        and isinstance(values["parents"], tuple)
        and all(is_asset_id(parent) for parent in values["parents"])
        and is_whole(values["index"], MAX_PICTURES - 1)
        and is_whole(values["width"], 2**31)
        and is_whole(values["height"], 2**31)
        and (values["steps"] is None or is_whole(values["steps"], 2**31))
        and (values["clip_skip"] is None or is_whole(values["clip_skip"], 100))
        and (values["seed"] is None or is_whole(values["seed"], MAX_UPLOADED_SEED))
        and (values["guidance"] is None or is_number(values["guidance"]))
        and is_number(values["created"])
        and is_number(values["seconds"])
    )


def _refuse(constant: str) -> None:
    raise ValueError(f"got {constant}, expected a finite number")
