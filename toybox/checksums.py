"""Rewrites the checksums of weight files: after training, or for all models by `python -m toybox.checksums`.

`SHA256SUMS` in a model's folder is checked before Diorama opens the model; the tables in `weights/README.md` are for
people.
"""

import hashlib
from pathlib import Path

from pipelines.bundled import KINDS, LISTING
from pipelines.catalog import WEIGHTS


def update(folder: Path) -> None:
    """Updates the model's SHA256SUMS and its table in the README next to the folder."""
    (folder / LISTING).write_text(listing(folder))
    update_table(folder.parent / "README.md", folder)


def listing(folder: Path) -> str:
    """Every file of a model in the format of `sha256sum`, with paths relative to the folder."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix in KINDS)
    return "".join(f"{_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in paths)


def update_table(readme: Path, folder: Path) -> None:
    """Rewrites the rows of one model's files between its two markers in the README.

    Args:
        readme: has a line "<!-- NAME files -->" and after it a line "<!-- end of NAME files -->", NAME being the
            name of the folder.
        folder: of the model, next to the README.

    Raises:
        ValueError: if the markers are missing.
    """
    start, end = f"<!-- {folder.name} files -->\n", f"<!-- end of {folder.name} files -->\n"
    text = readme.read_text()
    if start not in text or end not in text:
        raise ValueError(f"expected {start.strip()} and {end.strip()} in {readme}")
    before, rest = text.split(start, maxsplit=1)
    after = rest.split(end, maxsplit=1)[1]
    readme.write_text(before + start + table(folder, readme.parent) + end + after)


def table(folder: Path, base: Path) -> str:
    """A Markdown table of the weight files in a folder, with paths relative to the base."""
    rows = ["| file | bytes | sha256 |", "| --- | ---: | --- |"]
    for path in sorted(folder.rglob("*.safetensors")):
        rows.append(f"| `{path.relative_to(base)}` | {path.stat().st_size:,} | `{_sha256(path)}` |")
    return "\n".join(rows) + "\n"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    for model in sorted(path for path in WEIGHTS.iterdir() if path.is_dir()):
        update(model)
