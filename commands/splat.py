"""The terminal verb `splat`: an object to a splat, or a splat to another format. No gradio, no torch."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from commands import segment
from commands.open_studio import studio_in
from commands.pictures import add_output, follow, notice, opened
from commands.sharing.identity import LOCAL_OWNER
from studio.contract import Size
from studio.errors import BadRequest, StorageFailed
from studio.library.assets import Asset
from studio.recipe import is_asset_id
from studio.recipe.selection import SegmentRequest
from studio.recipe.solid import four
from studio.segmentation.contract import in_pixels
from studio.service import Studio
from studio.solid.contract import NO_VIEWS, SIDES, Four, SolidRequest
from studio.solid.fit import GOOD_FIT
from studio.splats.erasing import Cuboid, Erasure, Region, box_from
from studio.splats.export import EXPORTS
from studio.splats.upright import UPRIGHT

SPLAT_ENDINGS = (".ply", ".splat", ".spz", ".glb")


def add_verbs(verbs: Any) -> None:
    """Add splat to the parser's verbs."""
    turn = verbs.add_parser("splat", help="turn an object into a 3D Gaussian splat, or convert one")
    turn.set_defaults(verb=splat)
    turn.add_argument(
        "source",
        help="an object or a picture (a file or an id), or a splat to convert (.ply, .splat, .spz, .glb, or an id)",
    )
    turn.add_argument(
        "--point",
        type=segment.point,
        action="append",
        default=[],
        metavar="X,Y",
        help="where the object is in a whole picture; X,Y,- for what is not part of it",
    )
    turn.add_argument("--fraction", action="store_true", help="points are fractions of the picture, 0 to 1")
    turn.add_argument(
        "--views", type=Path, metavar="DIR", help=f"folder with your own views: {', '.join(SIDES)} (.png or .jpg)"
    )
    turn.add_argument(
        "--elevation", type=float, metavar="DEG", help="camera elevation of the picture (default: the model's)"
    )
    turn.add_argument("--seed", type=int, help="of the views (default, and -1: drawn at random)")
    turn.add_argument("--steps", type=int)
    turn.add_argument("--guidance", type=float)
    turn.add_argument("--views-model", default="", help="model id for the views (default: the first that is ready)")
    turn.add_argument("--model", default="", help="model id for the splat (default: the first that is ready)")
    turn.add_argument(
        "--up",
        choices=list(UPRIGHT),
        default="",
        help="the axis of a splat file that points up (--up=-y; default: as the file says, or is like others)",
    )
    corners = {"type": _box, "action": "append", "default": [], "metavar": "X,Y,Z,X,Y,Z"}
    turn.add_argument("--crop", **corners, help="keep only what is in this box: two of its corners; several: in any")
    turn.add_argument("--erase", **corners, help="leave out what is in this box (--erase=-1,...)")
    turn.add_argument("--match", action="store_true", help="fit its size and place to the object")
    turn.add_argument(
        "--export", choices=list(EXPORTS), default="", help="format of the file that -o writes (default: ply)"
    )
    add_output(
        turn, "one JSON line: path, id, fit, splats, views", "a file or a folder (default: only the outputs folder)"
    )


def splat(options: argparse.Namespace) -> int:
    """Make or convert a splat; prints where it is, or JSON."""
    format = chosen_format(options)
    with studio_in(options.outputs) as studio:
        found = given_splat(studio, options.source, options.up)
        made = made_splat(studio, options) if found is None else found
        if made is None:
            return 2
        if options.match:
            made = studio.splats.match_size(LOCAL_OWNER, made.id)
        if erasures := given_erasures(options):
            made = studio.splats.erase(LOCAL_OWNER, made.id, erasures)
        report(studio, made, options, format)
        return 0


def chosen_format(options: argparse.Namespace) -> str:
    """That of --export, or the suffix of -o."""
    ending = options.output.suffix.lower().removeprefix(".") if options.output else ""
    if ending and ending not in EXPORTS and not options.output.is_dir():
        raise BadRequest(f"-o takes a folder, or a file that ends in .{', .'.join(EXPORTS)}; got '{options.output}'.")
    if options.export and ending in EXPORTS and ending != options.export:
        raise BadRequest(f"--export {options.export} and the ending .{ending} of -o contradict each other.")
    return options.export or (ending if ending in EXPORTS else "ply")


def given_splat(studio: Studio, source: str, up: str = "") -> Asset | None:
    """The splat to convert; None if the source is an object or a picture.

    Args:
        up: the axis of its file that points up, "" if not given.
    """
    path = Path(source)
    if path.suffix.lower() in SPLAT_ENDINGS:
        if not path.is_file():
            raise BadRequest(f"There is no file '{source}'. Give a PLY, SPLAT, SPZ or GLB file.")
        asset = studio.splats.take_in(LOCAL_OWNER, path, path.name, up)
        if notes := asset.recipe.splat.notes:
            print(notes, file=sys.stderr)
        return asset
    if up:
        endings = ", ".join(SPLAT_ENDINGS)
        raise BadRequest(f"--up says which axis of a splat file points up ({endings}); '{source}' is not one.")
    if is_asset_id(source) and not path.exists():
        asset = studio.asset(LOCAL_OWNER, source)
        return asset if asset.kind == "splat" else None
    return None


def given_erasures(options: argparse.Namespace) -> tuple[Erasure, ...]:
    """The edits that --crop and --erase ask for."""
    boxes = ((options.crop, True), (options.erase, False))
    return tuple(Erasure(tuple(map(Region, found)), keep) for found, keep in boxes if found)


def made_splat(studio: Studio, options: argparse.Namespace) -> Asset | None:
    """The splat of an object; None if a job failed, which has been reported."""
    target = given_object(studio, options)
    request = SolidRequest(
        target.id,
        views=own_views(studio, target, options) if options.views else NO_VIEWS,
        views_model=options.views_model,
        splat_model=options.model,
        elevation_deg=options.elevation,
        seed=options.seed,
        steps=options.steps,
        guidance=options.guidance,
    )
    job = studio.solids.make(LOCAL_OWNER, request)
    notice(studio.adviser.of_solid(LOCAL_OWNER, request))
    assets = [studio.asset(LOCAL_OWNER, one) for one in follow(studio, job)]
    return next((one for one in assets if one.kind == "splat"), None)


def given_object(studio: Studio, options: argparse.Namespace) -> Asset:
    """An object, or what --point selects in a picture."""
    asset = opened(studio, options.source)
    if not options.point:
        try:
            return studio.solids.object(LOCAL_OWNER, asset.id)
        except BadRequest as error:
            raise BadRequest(
                f"'{options.source}' is a whole picture: give --point X,Y on the object, or a picture with a "
                "transparent background."
            ) from error
    request = SegmentRequest(asset.id, points=tuple(options.point))
    unit = "fraction" if options.fraction else "pixel"
    request = in_pixels(request, Size(asset.width, asset.height), unit)
    return studio.selections.keep(LOCAL_OWNER, request)


def own_views(studio: Studio, target: Asset, options: argparse.Namespace) -> Four:
    """Four views from files."""
    ids, angle = [], options.elevation or 0.0
    for index, side in enumerate(SIDES):
        paths = [options.views / f"{side}{ending}" for ending in (".png", ".jpg", ".jpeg", ".webp")]
        path = next((one for one in paths if one.is_file()), None)
        if path is None:
            raise BadRequest(f"There is no {side}.png or {side}.jpg in {options.views}: all of {', '.join(SIDES)}.")
        picture = studio.take_in(LOCAL_OWNER, path, path.name)
        kept = studio.solids.replace_view(LOCAL_OWNER, target.id, index, picture.id, elevation_deg=angle)
        ids.append(kept.id)
    return four(ids)


def _box(value: str) -> Cuboid:
    try:
        return box_from([float(number) for number in value.split(",")])
    except (ValueError, BadRequest) as error:
        raise argparse.ArgumentTypeError(f"'{value}' is not a box: give X,Y,Z,X,Y,Z") from error


def report(studio: Studio, made: Asset, options: argparse.Namespace, format: str) -> None:
    """Put the splat where -o says and print its path."""
    kept = studio.path(LOCAL_OWNER, made.id)
    path = written(studio.splats.export(LOCAL_OWNER, made.id, format), kept, options, format)
    said = made.recipe.splat
    if said.fit is not None and said.fit < GOOD_FIT and not options.match:
        print(f"Outline match: {100 * said.fit:.0f} %. --match fits its size and place.", file=sys.stderr)
    if not options.json:
        print(path, flush=True)
        return
    values = {"path": str(path), "id": made.id, "fit": said.fit, "splats": said.count}
    print(json.dumps(values | {"views": made.recipe.views.ids, "model": made.model}), flush=True)


def written(content: bytes, kept: Path, options: argparse.Namespace, format: str) -> Path:
    """The path of the export; without -o and --export, our own file."""
    suffix = EXPORTS[format].suffix
    if options.output is None and not options.export:
        return kept
    output = options.output or Path()
    target = output if output.suffix.lower() == suffix and not output.is_dir() else output / f"{kept.stem}{suffix}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and target.samefile(kept):  # which nothing may change
            return kept
        target.write_bytes(content)
    except OSError as error:
        raise StorageFailed(f"The splat is in {kept}, but not in {target}: {error.strerror}.") from error
    return target
