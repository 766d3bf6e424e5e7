"""The recipe inside a picture: everything needed to make it again, readable by other tools, too.

A PNG carries it twice: as JSON in an iTXt chunk "diorama" (the whole truth) and as A1111's `parameters` text. Reading
trusts nothing: a wrong length, checksum, encoding or type means "no recipe".
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
"""Characters of a part that is a text: 20,000 points of a brush have less."""

Kind = Literal["image", "mask", "object", "view", "splat"]
UPLOAD = "upload"
"""The task of a picture that was not made here."""
NOW = 0.0
"""Of a recipe that is made: the store says when."""
MAX_UPLOADED_SEED = 2**64 - 1
"""ComfyUI's seeds are this long; what is made here stays within MAX_SEED."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What made one asset. Every value is the one that was used, none is a wish; a key never gets in here."""

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
    steps: int | None = None  # None: the model has no such control
    guidance: float | None = None
    seed: int | None = None  # None: the model took none, the picture cannot be made again
    parents: tuple[str, ...] = ()
    created: float = NOW  # Unix time, seconds; NOW until the store keeps it
    seconds: float = 0.0  # the model took for it, loading left out
    title: str
    app: str = f"Diorama {APP_VERSION}"
    source: str = ""  # of an upload: the tool its recipe is from, "file" where it has none; "" for what was made here
    left_out: str = ""  # what the recipe of another tool said and this one has no place for
    sha256: str = ""  # of the uploaded file, so that the same file is not kept twice; "" for what was made here
    quality: str = ""  # of a model that has several
    transparent: bool = False  # the background was left out
    clip_skip: int | None = None  # layer of the text encoder, from the last one; None: the model has no such control
    precision: str = ""  # in how many bits the weights were kept, such as "nf4"; "": in 16 or more
    fast: bool = False  # by a compiled network, which rounds differently
    control: str = ""  # asset id of the picture whose outlines or depth were followed; of a changed one see `edit`
    control_strength: float | None = None
    sampler: str = ""  # of a model that has several
    price_usd: float | None = None  # what a provider took for it; None: nothing, or nobody knows
    notice: str = ""  # what its person should know: another model answered
    selection: SelectionRecipe | None = None  # of an object that was selected with clicks, a box or strokes
    edit: EditRecipe | None = None  # of a changed picture
    views: ViewsRecipe = field(default=ViewsRecipe())  # of a view, and of a splat that was made of views
    splat: SplatRecipe = field(default=SplatRecipe())  # of a splat
    render: RenderRecipe = field(default=RenderRecipe())  # of a picture of a splat
    course: CourseRecipe = field(default=CourseRecipe())  # of a picture whose model tells of its steps
    grid: GridRecipe = field(default=GridRecipe())  # of a sheet that compares pictures


_NAMES = tuple(each.name for each in fields(Recipe))
_PARTS = {each.name: each.default for each in fields(Recipe)[_NAMES.index("selection") :]}
"""The nested records, and what each is where there is nothing to say."""
_LATER = {each.name: each.default for each in fields(Recipe)[_NAMES.index("source") :]}
"""What the recipes of the first pictures do not say."""
_TEXTS = ("selection", "edit", "turning")
"""The parts that were texts with JSON in them until 29 November 2026; "turning" is now three."""


class FoundRecipe(NamedTuple):
    """A recipe as read from a file, with the text it was read from and the size the file has."""

    recipe: Recipe
    text: str
    width: int
    height: int


def to_values(recipe: Recipe) -> dict[str, Any]:
    """As JSON can write it; parts that say nothing are left out."""
    values = asdict(recipe)
    if recipe.selection:
        values["selection"] = selection_values(recipe.selection)
    unsaid = {**_PARTS, "precision": "", "fast": False, "control": "", "control_strength": None, "sampler": ""}
    empty = [name for name, nothing in unsaid.items() if getattr(recipe, name) == nothing]
    return {name: value for name, value in values.items() if name not in empty}


def to_text(recipe: Recipe) -> str:
    return json.dumps(to_values(recipe), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def from_text(text: str) -> Recipe | None:
    """The recipe in this JSON, or None if it is not one. Unknown keys (of a newer Diorama) are left out."""
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
    """The recipe in a row of the index: it was looked at when it came in."""
    return Recipe(**_known(json.loads(text)))


def _known(values: dict[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = _LATER | {name: values[name] for name in _NAMES if name in values}
    known["parents"] = tuple(known["parents"]) if isinstance(known.get("parents"), list) else None
    return known | _parts(values)


def _parts(values: dict[str, Any]) -> dict[str, Any]:
    """The nested records; what is not well-formed was not said."""
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
    """A part as an object, also where it is a text with one; None where it is neither."""
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
    if recipe.prompt_sent:  # else it is an upload that nobody knows anything about
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
    """The recipe in a PNG file, or None. Reads the chunk headers and one chunk, never the pixels.

    Raises:
        OSError: the file cannot be read at all.
    """
    with path.open("rb") as file:
        width = height = 0
        for chunk in chunks(file, (b"IHDR", b"iTXt"), MAX_CHUNKS):
            if chunk.kind == b"IHDR" and chunk.body is not None and len(chunk.body) == 13:
                width, height = struct.unpack(">II", chunk.body[:8])
            elif chunk.kind == b"iTXt" and keyword_of(chunk) == KEYWORD:
                text = text_of(chunk)
                recipe = None if text is None else from_text(text)
                if text is None or recipe is None or not (width and height):
                    return None  # and no other chunk is tried: a file may hold thousands, each packed a thousandfold
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
