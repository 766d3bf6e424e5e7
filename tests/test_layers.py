"""The import direction and the homes of third parties (design section 1) are a test, not a wish."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = {path.stem for path in ROOT.glob("*.py")}
FREE = {"toybox", "benchmarks", "tests"} | COMMANDS  # may import anything of ours
MAY_IMPORT = {
    "lgm": set(),
    "studio": set(),
    "pipelines": {"studio", "lgm"},
    "providers": {"studio"},
    "ui": {"studio"},
}
HOMES = {
    "gradio": {"ui"},
    "torch": {"pipelines", "lgm"},
    "torchvision": {"pipelines"},
    "diffusers": {"pipelines"},
    "transformers": {"pipelines"},
    "accelerate": {"pipelines"},
    "sam2": {"pipelines"},
    "openai": {"providers"},
    "google": {"providers"},
    "huggingface_hub": {"pipelines", "providers"},
    "plyfile": {"studio"},
}
LATE_IMPORTS = {
    "pipelines/catalog.py",
    "pipelines/sam_catalog.py",
    "pipelines/turning_catalog.py",
    "providers/catalog.py",
    "app.py",
    "cli_models.py",
}


def sources() -> list[Path]:
    return [
        path
        for path in sorted(ROOT.rglob("*.py"))
        if not {".venv", ".train", "outputs"} & set(path.relative_to(ROOT).parts)
    ]


def package_of(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imported(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def unconditional(tree: ast.AST) -> ast.Module:
    """The module without its `if TYPE_CHECKING:` blocks."""
    body = [
        node
        for node in ast.iter_child_nodes(tree)
        if not (isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING")
    ]
    return ast.Module(body=body, type_ignores=[])


def test_imports_of_ours_point_one_way():
    ours = MAY_IMPORT.keys() | FREE
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources()
        if (package := package_of(path)) not in FREE
        for name in imported(ast.parse(path.read_text())) & (ours - {package} - MAY_IMPORT[package])
    ]
    assert not wrong, "\n".join(wrong)


def test_every_third_party_is_imported_only_at_its_home():
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}, whose home is {sorted(HOMES[name])}"
        for path in sources()
        if (package := package_of(path)) not in FREE - COMMANDS
        for name in imported(unconditional(ast.parse(path.read_text()))) & HOMES.keys()
        if package not in HOMES[name]
    ]
    assert not wrong, "\n".join(wrong)


def test_nothing_imports_the_toybox_the_benchmarks_or_the_tests():
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources()
        if package_of(path) not in {"toybox", "benchmarks", "tests"}
        for name in imported(ast.parse(path.read_text())) & {"toybox", "benchmarks", "tests"}
    ]
    assert not wrong, "\n".join(wrong)


def test_imports_inside_functions_are_only_where_lateness_is_the_point():
    wrong = []
    for path in sources():
        name = str(path.relative_to(ROOT))
        if package_of(path) in {"tests", "toybox", "benchmarks"} or name in LATE_IMPORTS:
            continue
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and imported(function):
                wrong.append(f"{name}:{function.lineno} {function.name} imports {sorted(imported(function))}")
    assert not wrong, "\n".join(wrong)


def test_the_command_line_starts_without_gradio_and_torch():
    code = (
        "import sys, cli; cli.parse(['models']); print(sorted({'gradio', 'torch', 'diffusers'} & sys.modules.keys()))"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_the_page_is_built_without_torch():
    code = "import sys; from ui import page; print(sorted({'torch', 'diffusers', 'transformers'} & sys.modules.keys()))"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
