"""A splat as a self-contained web page: no server, no network, no library.

The page opens from a file, turns by mouse, touch and keys, and contains the recipe and the camera as JSON. Colours
are not view-dependent.
"""

from __future__ import annotations

import base64
import html
import json
import re
from pathlib import Path

from studio.splats.formats.antimatter_splat import write_antimatter
from studio.splats.metadata import values_about
from studio.splats.splat import Splat

_HERE = Path(__file__).parent / "viewer"
_SCRIPTS = ("splats.js", "painter.js", "hands.js", "viewer.js", "page.js")
"""The modules in dependency order. No two define the same name."""
_JOINTS = re.compile(r"^import [^;]*;\n|^export ", re.MULTILINE)


def viewer_script() -> str:
    """The page's modules and its start-up code as one script."""
    return "\n".join(_JOINTS.sub("", (_HERE / name).read_text(encoding="utf-8")) for name in _SCRIPTS)


def viewer_bytes(splat: Splat) -> bytes:
    """The viewer's data: `.splat` rows of world coordinates, y up."""
    return write_antimatter(splat, up="+y")


def write_html(splat: Splat) -> bytes:
    """The page, with the title of its recipe in the tab and under the splat."""
    about = values_about(splat, "+y")
    values = {
        "title": html.escape((splat.recipe.title if splat.recipe else "") or "Splat"),
        "count": f"{splat.count:,}",
        "about": json.dumps(about, separators=(",", ":")).replace("<", "\\u003c"),
        "data": base64.b64encode(viewer_bytes(splat)).decode(),
        "script": viewer_script(),
    }
    page = (_HERE / "page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], page).encode()
