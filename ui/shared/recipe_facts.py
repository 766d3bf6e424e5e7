"""A recipe in words, as the viewer shows it beside a picture. Pure functions, no gradio and no studio."""

from __future__ import annotations

from typing import Literal, NamedTuple

from studio.clouds.spending import in_dollars
from studio.contract import ModelSpec, Size
from studio.grids.grid import LABELS
from studio.library.assets import Asset
from studio.recipe import UPLOAD, Recipe
from studio.recipe.selection import SelectionRecipe
from ui.routes.files import film_address
from ui.shared.shapes import PRECISIONS, QUALITIES


class Fact(NamedTuple):
    """One line: "Seed", "358". `kind` says how the page shows it."""

    label: str
    value: str
    kind: Literal["text", "copy", "time", "curve", "file"] = "text"
    """copy: with a copy button; time: Unix seconds, shown in local time; curve: numbers; file: its address."""


def facts_of(asset: Asset, spec: ModelSpec | None) -> list[Fact]:
    """The facts about a picture that apply to it, most important first.

    Args:
        asset: the picture.
        spec: its model; None if it is not in the catalog.
    """
    recipe, splat = asset.recipe, asset.recipe.splat
    lines = [
        Fact("Name", "" if recipe.prompt else asset.title),
        Fact("Leave out", recipe.negative_prompt),
        Fact("Model", _model(asset, spec)),
        Fact("Size", str(Size(asset.width, asset.height))),
        Fact("Seed", _number(asset.seed) if spec is None or spec.seed else "", "copy"),
        Fact("Steps", _number(recipe.steps)),
        Fact("Guidance", _number(recipe.guidance)),
        *_compared(recipe),
        Fact("Sampler", recipe.sampler),
        Fact("Clip skip", _number(recipe.clip_skip)),
        Fact("Weights", PRECISIONS.get(recipe.precision, recipe.precision)),
        Fact("Fast", "compiled" if recipe.fast else ""),
        Fact("Style", _style(recipe.style, spec)),
        Fact("Quality", QUALITIES.get(recipe.quality, recipe.quality)),
        Fact("Background", "transparent" if recipe.transparent else ""),
        Fact("Added" if recipe.task == UPLOAD else "Made", repr(asset.created), "time"),
        Fact("Took", duration(recipe.seconds)),
        Fact("Cost", "" if recipe.price_usd is None else in_dollars(recipe.price_usd)),
        Fact("From", _origin(recipe)),
        Fact("Cut out with", _clicks(recipe.selection)),
        Fact("Splats", f"{splat.count:,}" if splat.count else ""),
        Fact("Erased", f"{splat.erased:,} splats" if splat.erased else ""),
        Fact("Fits its picture", "" if splat.fit is None else f"{splat.fit:.0%}"),
        Fact("Match", " ".join(f"{score:g}" for score in recipe.course.scores), "curve"),
        Fact("Film", film_address(asset.id) if recipe.course.frames and not asset.deleted else "", "file"),
        Fact("Note", recipe.notice),
    ]
    return [line for line in lines if line.value]


def duration(seconds: float) -> str:
    """For people: "0.8 s", "12 s", "2 min 5 s"; "" for zero."""
    if seconds <= 0:
        return ""
    if seconds < 0.1:
        return "less than 0.1 s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def _compared(recipe: Recipe) -> list[Fact]:
    """The settings a sheet compares: "Steps, across", "4, 8, 20"."""
    sides = ((recipe.grid.x, "across", recipe.grid.x_values), (recipe.grid.y, "down", recipe.grid.y_values))
    return [Fact(f"{LABELS.get(name, name)}, {way}", "; ".join(values)) for name, way, values in sides if name]


def _model(asset: Asset, spec: ModelSpec | None) -> str:
    """For example "Toy klein, revision 4f2a91c": commit hashes are shortened as in git."""
    name, revision = spec.label if spec else asset.model, asset.recipe.revision
    is_hash = len(revision) == 40 and all(digit in "0123456789abcdef" for digit in revision)
    revision = revision[:7] if is_hash else revision
    return f"{name}, revision {revision}" if name and revision else name


def _clicks(selection: SelectionRecipe | None) -> str:
    """How an object was selected: "2 clicks, a box, 1 stroke"; "" for other pictures."""
    if selection is None:
        return ""
    request = selection.request
    counts = [(len(request.points), "click"), (len(request.strokes), "stroke")]
    parts = [f"{count} {word}{'s' if count > 1 else ''}" for count, word in counts if count]
    return ", ".join([*parts, *(["a box"] if request.box else [])])


def _style(style: str, spec: ModelSpec | None) -> str:
    return next((known.label for known in spec.styles if known.id == style), style) if spec else style


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _origin(recipe: Recipe) -> str:
    """Where an uploaded picture comes from; "" for one made here."""
    if recipe.task != UPLOAD:
        return ""
    return "a file" if recipe.source in ("", "file") else f"a file made with {recipe.source}"
