"""Trains the classifier of `studio/toy_world.py`, toys or anything else, and prints its weights and accuracy.

    python -m toybox.familiar --toys FOLDER ... --others FOLDER ...

The shipped weights were trained on 260 rendered scenes and 120 pictures by toy-klein, whole and cut out, against 200
pictures of clutter, 1,000 photographs (one per class of ImageNet) and 186 more photographs, drawings, plots and
screenshots. Every fourth is held out. Each is used unchanged, resized, and as a low-quality JPEG. On the held-out ones,
the classifier accepts 98.9 % of 285 toys and all of 254 cut-outs of toys, but also 1.3 % of 1,007 others and 26.5 % of
678 cut-outs of others (some of which show only a plain wall).
"""

import argparse
import io
import random
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from studio.toy_world import measures

ENDINGS = {".png", ".jpg", ".jpeg", ".webp"}
PUNISHED = 20.0
"""How much worse it is to take a toy for a photo than a photo for a toy."""


def opened(path: Path) -> Image.Image:
    image = Image.open(path)
    image.draft("RGB", (256, 256))
    if image.mode in ("P", "LA", "PA") and "transparency" in image.info:
        return image.convert("RGBA")
    return image if image.mode in ("RGB", "RGBA") else image.convert("RGB")


def as_seen(image: Image.Image, rng: random.Random) -> list[Image.Image]:
    """The picture unchanged, resized, and as a JPEG."""
    scale = rng.choice((0.5, 0.75, 1.5, 2, 4))
    size = (max(8, round(image.width * scale)), max(8, round(image.height * scale)))
    seen = [image, image.resize(size, rng.choice((Image.Resampling.BILINEAR, Image.Resampling.LANCZOS)))]
    if image.mode == "RGB":
        file = io.BytesIO()
        image.save(file, "JPEG", quality=rng.randint(40, 90))
        seen.append(Image.open(file))
    return seen


def blob(image: Image.Image, rng: random.Random) -> Image.Image:
    """A random cut-out of a picture."""
    mask = Image.new("L", image.size)
    width, height = image.size
    for _ in range(rng.randint(1, 4)):
        x, y = rng.uniform(0.2, 0.8) * width, rng.uniform(0.2, 0.8) * height
        across, down = rng.uniform(0.1, 0.35) * width, rng.uniform(0.1, 0.35) * height
        ImageDraw.Draw(mask).ellipse((x - across, y - down, x + across, y + down), fill=255)
    cut = image.convert("RGBA")
    cut.putalpha(mask.filter(ImageFilter.GaussianBlur(1)))
    return cut


def off_its_background(image: Image.Image) -> Image.Image:
    """A picture of one toy, roughly without its background, which is the colour of the margin."""
    pixels = np.asarray(image.convert("RGB"), int)
    background = np.median(np.concatenate([pixels[:4].reshape(-1, 3), pixels[:, :4].reshape(-1, 3)]), axis=0)
    mask = np.abs(pixels - background).max(axis=2) > 50
    cut = image.convert("RGBA")
    cut.putalpha(Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.MedianFilter(5)))
    return cut


def table(folders: list[Path], *, are_toys: bool, held_out: bool) -> dict[str, list[tuple[float, ...]]]:
    """The measurements of every picture in the folders, by kind."""
    found: dict[str, list[tuple[float, ...]]] = {"whole": [], "cut": []}
    paths = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    rng = random.Random(11)
    for number, path in enumerate(paths):
        if (number % 4 == 3) != held_out:
            continue
        try:
            image = opened(path)
            image.load()
        except OSError:
            continue
        shown = as_seen(image, rng)
        if image.mode == "RGB":
            shown += as_seen(off_its_background(image) if are_toys else blob(image, rng), rng)
        for each in shown:
            if each.mode == "RGBA" and (np.asarray(each.getchannel("A")) >= 250).sum() < 60:
                continue
            kind, values = measures(each)
            found[kind].append(values)
    return found


def taught(toys: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The weights of a logistic regression, by Newton's method.

    Args:
        toys, others: (N, M) measurements.
    """
    values = np.concatenate([toys, others])
    values = np.concatenate([values, np.ones((len(values), 1))], axis=1)
    wanted = np.repeat([1.0, 0.0], [len(toys), len(others)])
    share = np.repeat([PUNISHED / len(toys), 1 / len(others)], [len(toys), len(others)]) * len(values) / 2
    weights = np.zeros(values.shape[1])
    for _ in range(50):
        said = 1 / (1 + np.exp(-np.clip(values @ weights, -30, 30)))
        slope = values.T @ (share * (said - wanted)) + 0.1 * weights
        bend = (values * (share * said * (1 - said))[:, None]).T @ values + 0.1 * np.eye(len(weights))
        weights -= np.linalg.solve(bend, slope)
    return weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--toys", type=Path, nargs="+", required=True)
    parser.add_argument("--others", type=Path, nargs="+", required=True)
    options = parser.parse_args()
    tables = [
        [table(folders, are_toys=are_toys, held_out=held_out) for folders, are_toys in
         ((options.toys, True), (options.others, False))]
        for held_out in (False, True)
    ]  # fmt: skip
    for kind in ("whole", "cut"):
        weights = taught(*(np.array(each[kind]) for each in tables[0]))
        print(f'"{kind}": ({", ".join(f"{weight:.2f}" for weight in weights)}),')
        for name, part in zip(("taught", "held out"), tables, strict=True):
            toys, others = (np.array(each[kind]) @ weights[:-1] + weights[-1] for each in part)
            said = f"{(toys > 0).mean():.1%} of {len(toys)} toys, {(others > 0).mean():.1%} of {len(others)} others"
            print(f"  {name}: {said} are called toys")


if __name__ == "__main__":
    main()
