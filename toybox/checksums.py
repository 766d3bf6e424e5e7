"""The table of weight files in `weights/README.md`: sizes and checksums, rewritten whenever weights are stored."""

import hashlib
from pathlib import Path


def update_table(readme: Path, folder: Path) -> None:
    """Rewrites the rows of one model's files between its two marks in the README.

    Args:
        readme: has a line "<!-- NAME files -->" and after it a line "<!-- end of NAME files -->", NAME being the
            name of the folder.
        folder: of the model, beside the README.

    Raises:
        ValueError: if the marks are missing.
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
        content = path.read_bytes()
        name, checksum = path.relative_to(base), hashlib.sha256(content).hexdigest()
        rows.append(f"| `{name}` | {len(content):,} | `{checksum}` |")
    return "\n".join(rows) + "\n"
