"""The page's scripts as modules: that they fit together, how they are served, and that no other JavaScript is left."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import httpx
import pytest

from tests.ui.conftest import OpenStudio
from tests.ui.painter import Brush, catalog
from tests.ui.serve import everybody_by_token, served
from ui.shared.edition import PARTS, ROOT
from ui.shared.scripts import SCRIPTS

CLASSIC = {"clocks.js", "sign_in.js"}
"""Scripts that stand in the front page itself, before gradio's own."""
MODULES = [path for folder in PARTS for path in folder.rglob("*.js") if path.name not in CLASSIC]
_IMPORT = re.compile(r'^import (?:\{([^}]*)\} from )?"([^"]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?:async )?(?:function|const|let) (\w+)", re.MULTILINE)
_SCRIPT = re.compile(r"=>|\bdocument\.|\bfunction\s*\(")


def source_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_every_import_is_there_and_every_export_is_wanted():
    wanted: defaultdict[Path, set[str]] = defaultdict(set)
    for module in MODULES:
        for names, address in _IMPORT.findall(source_of(module)):
            wanted[(module.parent / address).resolve()] |= {name.strip() for name in names.split(",") if name.strip()}
    assert wanted.keys() <= {*MODULES}
    python = "".join(source_of(path) for folder in ("ui", "studio/splats") for path in (ROOT / folder).rglob("*.py"))
    for module in MODULES:
        assert (
            module in wanted
            or re.search(r"export .*\bstart\b", source_of(module))
            or re.search(rf'[/"]{re.escape(module.name)}"', python)
        ), module
        unused = {*_EXPORT.findall(source_of(module))} - wanted[module]
        assert not [name for name in unused if f'"{name}"' not in python], module


def test_no_script_is_written_in_python():
    for path in (ROOT / "ui").rglob("*.py"):
        texts = [node.value for node in ast.walk(ast.parse(source_of(path))) if isinstance(node, ast.Constant)]
        scripts = [
            text for text in texts if isinstance(text, str) and re.search(r"=>|\bdocument\.|function\s*\(", text)
        ]
        assert not scripts or path == ROOT / "ui/shared/scripts/__init__.py", (path, scripts)


@pytest.fixture(scope="module")
def locked(open_studio: OpenStudio):
    """The address of a page that asks for a password."""
    with served(open_studio(*catalog(Brush())), everybody_by_token, auth=("ada", "lovelace")) as address:
        yield address


def test_modules_are_kept_by_browsers_for_ever_and_are_the_same_for_everybody(locked: str):
    for module in MODULES:
        answer = httpx.get(f"{locked}{SCRIPTS}/{module.relative_to(ROOT).as_posix()}")
        assert answer.content == module.read_bytes()
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert "content-security-policy" not in answer.headers


@pytest.mark.parametrize(
    "path", ["x/ui/gallery/gallery.js", "{}/ui/page.py", "{}/../app.py", "{}/..%2f..%2fapp.py", "{}/", "{}/%00"]
)
def test_nothing_else_is_served_there(locked: str, path: str):
    answer = httpx.get(f"{locked}diorama/scripts/{path.format(SCRIPTS.rpartition('/')[2])}")
    assert answer.status_code in (401, 404)
    assert answer.json()["error"].endswith(".")


def test_the_page_may_run_modules_of_its_own_and_no_others(locked: str):
    policy = httpx.get(locked).headers["content-security-policy"]
    scripts = next(rule for rule in policy.split("; ") if rule.startswith("script-src"))
    assert re.fullmatch(r"script-src 'self' 'unsafe-eval'( 'sha256-[\w+/=]+')+", scripts)
