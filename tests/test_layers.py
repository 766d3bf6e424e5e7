"""The import direction and who may use which third party (design section 1) are a test, not a wish."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter, defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

from tests import counts

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = {"commands"} | {path.stem for path in ROOT.glob("*.py")}
FREE = {"toybox", "benchmarks", "tests"} | COMMANDS  # may import anything of ours
MAY_IMPORT = {
    "lgm": set(),
    "studio": set(),
    "pipelines": {"studio", "lgm"},
    "providers": {"studio"},
    "workers": {"studio"},
    "ui": {"studio"},
}
USERS = {
    "numpy": {"studio", "pipelines", "ui"},
    "PIL": {"studio", "pipelines", "providers", "workers", "ui"},
    "gradio": {"ui", "app"},
    "gradio_client": {"ui"},
    "fastapi": {"ui"},
    "starlette": {"ui"},
    "pydantic": {"ui"},
    "mcp": {"ui"},
    "mcp_types": {"ui"},
    "torch": {"pipelines", "lgm"},
    "torchvision": {"pipelines"},
    "diffusers": {"pipelines"},
    "transformers": {"pipelines"},
    "sam2": {"pipelines"},
    "openai": {"providers"},
    "google": {"providers"},
    "huggingface_hub": {"pipelines", "providers"},
    "httpx2": {"pipelines", "providers"},
    "einops": {"pipelines"},
    "fast_simplification": {"studio"},
    "safetensors": {"pipelines", "lgm"},
    "hydra": {"pipelines"},
    "omegaconf": {"pipelines"},
    "filelock": {"pipelines"},
    "psutil": {"pipelines"},
    "dotenv": {"providers"},
    "spandrel": {"pipelines"},
    "segno": {"commands"},
    "nats": {"workers"},
    "av": {"studio"},
    "cv2": {"studio"},
}
"""Every third party of the program, and the packages that may import it."""

DISTRIBUTIONS = {
    "PIL": "pillow",
    "google": "google-genai",
    "hydra": "hydra-core",
    "dotenv": "python-dotenv",
    "cv2": "opencv-python-headless",
    "mcp_types": "mcp-types",
    "nats": "nats-py",
    "fast_simplification": "fast-simplification",
}
MOST_MODULES = 15  # in one folder, without `__init__`
MOST_LINES = 320  # of a file
LATE_IMPORTS = {
    "pipelines/catalog.py",
    "studio/splats/export.py",
    "studio/library/film.py",
    "app.py",
    "commands/models.py",
    "commands/programs/mcp.py",
    "commands/programs/remote.py",
    "commands/programs/worker.py",
    "commands/sharing/identity.py",
    "commands/sharing/space.py",
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


def test_every_third_party_is_imported_only_where_it_may_be():
    ours = MAY_IMPORT.keys() | FREE
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}, which may be imported in {sorted(USERS.get(name, ()))}"
        for path in sources()
        if (package := package_of(path)) not in FREE - COMMANDS
        for name in imported(unconditional(ast.parse(path.read_text()))) - sys.stdlib_module_names - ours
        if package not in USERS.get(name, ())
    ]
    assert not wrong, "\n".join(wrong)


def test_every_third_party_is_pinned():
    pinned = re.findall(r"^([\w.-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert {DISTRIBUTIONS.get(name, name) for name in USERS} <= set(pinned)


def test_the_packages_of_the_studio_form_no_circle():
    needs = defaultdict(set)
    for path in (ROOT / "studio").rglob("*.py"):
        part = path.relative_to(ROOT / "studio").with_suffix("").parts[0]
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                modules = [f"studio.{alias.name}" for alias in node.names] if node.module == "studio" else [node.module]
                needs[part] |= {name.split(".")[1] for name in modules if name.startswith("studio.")} - {part}
    assert [*TopologicalSorter(needs).static_order()][-1] == "service"


def test_no_folder_is_too_long_to_be_read_at_a_glance():
    modules = Counter(
        path.parent.relative_to(ROOT)
        for path in sources()
        if package_of(path) not in {"tests", "toybox", "benchmarks"} and path.name != "__init__.py"
    )
    assert not {folder: count for folder, count in modules.items() if count > MOST_MODULES}


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


def test_a_file_fits_in_one_sitting_and_most_functions_on_a_screen():
    assert not [path for path in (*counts.files(".py"), *counts.files(".js")) if counts.lines(path) > MOST_LINES]
    assert not counts.nodes(ast.Global)
    assert counts.percentile_90([counts.length(function) for _, function in counts.functions()]) <= 25


def test_no_two_classes_share_a_name():
    classes = [node for _, node in counts.nodes(ast.ClassDef) if isinstance(node, ast.ClassDef)]
    named = Counter(node.name.lstrip("_") for node in classes)
    assert not [name for name, times in named.items() if times > 1]


def test_every_function_is_typed():
    untyped = [f"{path}:{node.lineno} {node.name}" for path, node in counts.functions() if not counts.is_typed(node)]
    assert not untyped, "\n".join(untyped)
