"""How large the program is, and how much of it is as it should be. `python tests/counts.py` prints it."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOT_THE_PROGRAM = ("tests/", "toybox/", "benchmarks/")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def files(ending: str) -> list[Path]:
    """The files of the program that git knows or could know, in order."""
    asked = ["git", "ls-files", "-co", "--exclude-standard", f"*{ending}"]
    names = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [ROOT / name for name in sorted(names) if not name.startswith(NOT_THE_PROGRAM) and (ROOT / name).exists()]


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def nodes(*kinds: type[ast.AST]) -> list[tuple[Path, ast.AST]]:
    """All parts of the program's Python of these kinds, with their file."""
    trees = [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in files(".py")]
    return [(path, node) for path, tree in trees for node in ast.walk(tree) if isinstance(node, kinds)]


def functions() -> list[tuple[Path, Function]]:
    return [(path, node) for path, node in nodes(ast.FunctionDef, ast.AsyncFunctionDef) if isinstance(node, Function)]


def length(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def percentile_90(lengths: list[int]) -> int:
    return sorted(lengths)[len(lengths) * 9 // 10]


def is_typed(function: Function) -> bool:
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return function.returns is not None and all(
        each.annotation for each in arguments if each.arg not in ("self", "cls")
    )


def is_broad(node: ast.AST) -> bool:
    """Whether an `except` takes any error."""
    kind = node.type if isinstance(node, ast.ExceptHandler) else None
    names = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(
        name is None or (isinstance(name, ast.Name) and name.id in ("Exception", "BaseException")) for name in names
    )


def main() -> None:
    python, scripts, all_functions = files(".py"), files(".js"), functions()
    longest = max((*python, *scripts), key=lines)
    lengths = [length(function) for _, function in all_functions]
    typed = sum(is_typed(function) for _, function in all_functions)
    handlers = [node for _, node in nodes(ast.ExceptHandler) if is_broad(node)]
    handed_on = [node for node in handlers if any(isinstance(one, ast.Raise) for one in ast.walk(node))]
    print(f"Program: {sum(map(lines, python)):,} lines of Python, {sum(map(lines, scripts)):,} of JavaScript;")
    print(f"  longest file: {longest.relative_to(ROOT)}, {lines(longest)} lines;")
    print(f"  {len(lengths):,} functions, nine of ten up to {percentile_90(lengths)} lines;")
    print(f"  {typed / len(lengths):.1%} of them typed;")
    print(f"  {len(nodes(ast.Global))} global; {len(handlers)} broad excepts, {len(handed_on)} of which raise again.")


if __name__ == "__main__":
    main()
