"""Choices in a prompt: "a {red|blue} ball", and "__animal__" for a line of `wildcards/animal.txt`.

The syntax of A1111's Dynamic Prompts extension. The same seed always makes the same choice.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

from studio.errors import BadRequest
from studio.validation import bounded_text, cleaned, says_something, short

FOLDER = "wildcards"
"""In the outputs folder: text files, one choice per line; # starts a comment."""
_CHOICE = re.compile(r"\{([^{}|]*\|[^{}]*)\}")  # matches in one way only, or a hostile prompt would take minutes
_FILE = re.compile(r"__([A-Za-z0-9][A-Za-z0-9_/-]*?)__")
_MOST_BYTES = 1 << 20
_MOST_CHOICES = 200
"""In one prompt: a file that refers to itself would never end."""


def chosen(prompt: str, seed: int, folder: Path) -> str:
    """The prompt with every choice made.

    Args:
        folder: of the files.

    Raises:
        BadRequest: a file is missing or empty, files refer to each other endlessly, or the result is too long or empty.
    """
    dice = random.Random(seed)
    for _ in range(_MOST_CHOICES):
        found = _FILE.search(prompt) or _CHOICE.search(prompt)
        if found is None and not says_something(prompt):
            raise BadRequest("The choices leave the prompt empty. Write something beside them.")
        if found is None:
            return prompt
        choices = _lines(found[1], folder) if found.re is _FILE else found[1].split("|")
        prompt = prompt[: found.start()] + dice.choice(choices) + prompt[found.end() :]
        prompt = bounded_text("prompt with its choices", re.sub(" {2,}", " ", prompt))
    raise BadRequest(
        f"A prompt takes at most {_MOST_CHOICES} choices. Do files in {short(folder)} refer to each other?"
    )


def _lines(name: str, folder: Path) -> list[str]:
    path = folder / f"{name}.txt"
    try:
        if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
            raise FileNotFoundError
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES).decode("utf-8-sig", "replace")
    except OSError:
        raise BadRequest(
            f"There is no file {name[:60]}.txt in {short(folder)}: make one, with a choice on each line."
        ) from None
    lines = [cleaned(line.split("#")[0]) for line in text.splitlines()]
    choices = [line for line in lines if line]
    if not choices:
        raise BadRequest(f"{short(path)} is empty: write a choice on each line.")
    return choices
