"""Makes the four tiles of the empty stage as a press on each of them would: `python -m tests.tiles`."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from PIL import Image

import cli
import ui
from commands.open_studio import studio_in
from commands.sharing.identity import LOCAL_OWNER
from pipelines.records.flux import TOY_KLEIN
from studio.splats.turntable import turntable

FOLDER = Path(ui.__file__).parent / "shared/stage"
SIDE, FRAMES, FRAME_MS, TURNS = 192, 30, 100, 3


def main() -> None:
    """Write picture.webp, change.webp, object.webp and splat.webp, which turns."""
    demo = TOY_KLEIN.demo
    assert demo
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kept, place = ["--outputs", str(folder / "outputs")], ["--point", f"{demo.place[0]},{demo.place[1]}"]
        picture, change, objects = (str(folder / file) for file in ("a.png", "b.png", "objects"))
        run("generate", demo.prompt, "--seed", str(demo.seed), "-o", picture, *kept)
        run("iterate", picture, demo.change, "--seed", str(demo.seed), "-o", change, *kept)
        run("segment", picture, "--name", "tile", "--fraction", *place, "-o", objects, *kept)
        run("splat", picture, "--seed", str(demo.seed), "--fraction", *place, *kept)
        for tile, path in (("picture", picture), ("change", change)):
            enlarged(Image.open(path).convert("RGB")).save(FOLDER / f"{tile}.webp", quality=80)
        cut = Image.open(picture).convert("RGB")
        cut.putalpha(Image.open(Path(objects, "tile-mask.png")).convert("L"))
        enlarged(cut).save(FOLDER / "object.webp", quality=80)
        frames = turning(folder / "outputs")
    how = {"save_all": True, "append_images": frames[1:], "duration": FRAME_MS, "loop": TURNS, "quality": 50}
    frames[0].save(FOLDER / "splat.webp", **how)


def run(*arguments: str) -> None:
    """One verb of the command line."""
    assert cli.main(list(arguments)) == 0, arguments


def enlarged(image: Image.Image) -> Image.Image:
    return image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def turning(outputs: Path) -> list[Image.Image]:
    """A full turn of the newest splat, on its picture without the object."""
    with studio_in(outputs) as studio:
        splat = studio.gallery(LOCAL_OWNER, kind="splat").assets[0].id
        start = studio.splats.splat(LOCAL_OWNER, splat).pose.camera
        assert start
        shown = [studio.splats.rendered_png(LOCAL_OWNER, splat, each, "filled") for each in turntable(start, FRAMES)]
    return [enlarged(Image.open(io.BytesIO(png)).convert("RGB")) for png in shown]


if __name__ == "__main__":
    main()
