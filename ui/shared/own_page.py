"""Our pages without gradio: a template with its style, and modules that browsers fetch all at once."""

from __future__ import annotations

import html
import re
from pathlib import Path

from ui.shared.edition import ROOT
from ui.shared.scripts import SCRIPTS

_UI = Path(__file__).parents[1]
_IMPORT = re.compile(r'^import [^"]*"(\.[^"]+)";$', re.MULTILINE)


def own_page(main: Path, *sheets: str) -> str:
    """The whole page. It is the same for everybody; its scripts ask for the rest.

    Args:
        main: its module. The template, with placeholders {style} and {scripts}, and the style are beside it.
        sheets: of the folder ui, that its own one builds on.
    """
    paths = [*(_UI / sheet for sheet in sheets), main.with_suffix(".css")]
    style = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    module, *others = (f"{SCRIPTS}/{path.relative_to(ROOT).as_posix()}" for path in modules_of(main))
    ahead = "".join(f'<link rel="modulepreload" href="{html.escape(other)}">\n' for other in others)
    script = f'{ahead}<script type="module" src="{html.escape(module)}"></script>'
    page = main.with_suffix(".html").read_text(encoding="utf-8")
    return page.replace("{style}", style).replace("{scripts}", script)


def modules_of(module: Path) -> list[Path]:
    """A module and all its imports, to fetch them together rather than one round trip after another."""
    found = [module]
    for each in found:
        told = (each.parent / path for path in _IMPORT.findall(each.read_text(encoding="utf-8")))
        found += [path.resolve() for path in told if path.resolve() not in found]
    return found
