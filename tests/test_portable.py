"""Windows and macOS cannot be run here: what only POSIX has is used nowhere without asking for it first."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.test_layers import ROOT, package_of, sources

POSIX_MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
_OS = """
    O_CLOEXEC O_DIRECTORY O_NOCTTY O_NOFOLLOW O_NONBLOCK chown fchmod fchown fork forkpty getegid geteuid
    getgid getgroups getloadavg getpgid getuid initgroups killpg lchown major mkfifo mknod nice openpty
    posix_fadvise posix_fallocate posix_spawn pread pwrite readv sched_getaffinity sched_setaffinity sendfile
    setgid setpgid setpriority setsid setuid statvfs sync sysconf ttyname uname wait wait3 wait4 waitid writev
"""
_SIGNAL = """
    SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGUSR1 SIGUSR2 alarm pause pthread_kill
    pthread_sigmask setitimer sigwait
"""
POSIX_NAMES = {
    "os": {*_OS.split()},
    "signal": {*_SIGNAL.split()},
    "socket": {"AF_UNIX", "SO_REUSEPORT"},
    "time": {"tzset", "clock_settime"},
    "shutil": {"chown"},
}
"""Source: "Availability: Unix" in https://docs.python.org/3/library/os.html and those of the other modules."""
CATCH = {"ImportError", "ModuleNotFoundError", "AttributeError", "Exception", "OSError"}
DEVELOPMENT = {"tests", "toybox", "benchmarks"}


def program() -> list[Path]:
    return [path for path in sources() if package_of(path) not in DEVELOPMENT]


def unguarded(text: str) -> list[str]:
    """What only POSIX has, where neither hasattr, getattr, a try nor a look at the system stands before it."""
    tree = ast.parse(text)
    asked = {
        call.args[1].value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in ("hasattr", "getattr")
        and len(call.args) > 1
        and isinstance(call.args[1], ast.Constant)
    }
    return [f"line {line}: {name}" for line, name in _uses(tree, False) if name.rpartition(".")[2] not in asked]


def _uses(node: ast.AST, is_guarded: bool) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Try):
        caught = {
            name.id
            for handler in node.handlers
            for name in ast.walk(handler.type or handler)
            if isinstance(name, ast.Name)
        }
        for child in node.body:
            yield from _uses(child, is_guarded or bool(caught & CATCH))
        for child in (*node.handlers, *node.orelse, *node.finalbody):
            yield from _uses(child, is_guarded)
        return
    if isinstance(node, ast.If | ast.IfExp) and any(mark in ast.unparse(node.test) for mark in ("platform", "os.name")):
        is_guarded = True
    if not is_guarded:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
            yield from ((node.lineno, name) for name in names if name.partition(".")[0] in POSIX_MODULES)
        match node:
            case ast.Attribute(value=ast.Name(id=module), attr=name) if name in POSIX_NAMES.get(module, ()):
                yield node.lineno, f"{module}.{name}"
    for child in ast.iter_child_nodes(node):
        yield from _uses(child, is_guarded)


def test_nothing_that_only_posix_has_is_used_without_a_twin():
    found = {str(path.relative_to(ROOT)): unguarded(path.read_text(encoding="utf-8")) for path in program()}
    assert {path: uses for path, uses in found.items() if uses} == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import fcntl", ["line 1: fcntl"]),
        ("import os\nos.fork()", ["line 2: os.fork"]),
        ("import os\nif hasattr(os, 'fork'):\n    os.fork()", []),
        ("try:\n    import fcntl\nexcept ImportError:\n    fcntl = None", []),
        ("import os\nif os.name == 'posix':\n    os.getuid()", []),
        ("import signal\nsignal.SIGTERM", []),
    ],
)
def test_the_search_finds_what_it_is_for(text: str, found: list[str]):
    assert unguarded(text) == found


def test_text_files_are_read_and_written_with_a_named_encoding():
    """Windows would take the one of its language."""
    wrong = []
    for path in program():
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
                continue
            given = {keyword.arg for keyword in call.keywords}
            if call.func.attr in ("read_text", "write_text") and "encoding" not in given and len(call.args) < 2:
                wrong.append(f"{path.relative_to(ROOT)}:{call.lineno}")
    assert wrong == []


def test_no_file_of_the_program_has_a_name_that_windows_forbids():
    devices = {"con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in range(1, 10))}
    bad = [
        path
        for path in sources()
        for part in path.relative_to(ROOT).parts
        if part.partition(".")[0].lower() in devices or part.endswith((".", " ")) or set(part) & set('<>:"|?*\\')
    ]
    assert bad == []
    assert max(len(str(path.relative_to(ROOT))) for path in sources()) < 120


def recipe(*arguments: str) -> str:
    """What `make run` does on a fresh machine."""
    command = ["make", "--dry-run", "VENV=/nowhere", "run", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.replace("\\\n", "")


def installs(text: str) -> list[str]:
    """What each call of pip is asked for, however quietly."""
    found = re.findall(r"-m pip install ((?:(?!\|\|).)+)", text)
    return [re.sub(r"--quiet|--disable-pip-version-check", "", asked).split("||")[0].strip() for asked in found]


def test_the_small_install_takes_the_pinned_pair_and_nothing_else_from_pytorchs_index():
    index = "--index-url https://download.pytorch.org/whl/cpu "
    small, plain = recipe("TORCH=cpu"), recipe()
    pair = "$(grep -E '^(torch|torchvision)==' requirements.txt)"
    whole = "--no-build-isolation -r requirements.txt"
    assert installs(small) == ["setuptools wheel", index + pair, whole]
    assert installs(plain) == ["setuptools wheel", pair, whole]
    assert "and 2 GB, once" in small and "and 6 GB, once" in plain
    pins = dict(re.findall(r"^(torch|torchvision)==(\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    here = {name: version(name).partition("+")[0] for name in ("torch", "torchvision")}
    assert pins.keys() == here.keys()
    assert here == pins or here["torch"] != pins["torch"]  # as one they were tested, or not at all


def test_run_bat_does_what_make_run_does():
    text = (ROOT / "run.bat").read_bytes().decode("ascii")  # cmd reads it in the code page of its machine
    steps = recipe("PYTHON=python")
    whole = installs(steps)[-1]
    assert installs(text) == ["setuptools wheel", "-r .venv\\torch.txt", whole]
    picked = 'findstr /b /c:"torch==" /c:"torchvision==" requirements.txt >.venv\\torch.txt'
    lines = [line.strip() for line in text.splitlines()]
    assert lines.index(f"{picked} || exit /b 1") < lines.index(
        next(line for line in lines if "-r .venv\\torch" in line)
    )
    assert all(line.endswith("|| exit /b 1") for line in lines if re.search(r"pip install|-m venv|findstr", line))
    (check,) = re.findall(r"import sys; sys\.exit\(.+?\)\)", steps)
    assert check in text
    for name, value in (("OMP_WAIT_POLICY", "PASSIVE"), ("SAM2_BUILD_CUDA", "0")):
        assert f"set {name}={value}" in lines
        assert re.search(rf"{name} ?\??= ?{value}", (ROOT / "Makefile").read_text())
    assert lines[-1] == ".venv\\Scripts\\python app.py %*" and "bin/python app.py" in steps
    for line in lines:  # within a block a bracket that no quote protects ends it
        assert not line.startswith(("rem", "echo")) or not set(line) & set("()"), line
