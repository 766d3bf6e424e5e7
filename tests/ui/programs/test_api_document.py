"""What docs/api.md says is so: its table lists the routes, and its examples run as they stand there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import cli
from tests.patience import PATIENCE_SECONDS
from tests.ui.programs.conftest import Programs

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs/api.md").read_text(encoding="utf-8")
PROGRAMS = {
    "bash": ["bash", "-ec"],
    "python": [sys.executable, "-c"],
    "javascript": ["node", "--input-type=module", "-e"],
}
EXAMPLES = [
    pytest.param(language, code, id=f"{language} {re.findall(r'/(?:v1|sdapi|mcp)[/a-z0-9-]*', code)[-1]}")
    for language, code in re.findall(r"```(bash|python|javascript)\n(.*?)```", TEXT, re.DOTALL)
    if "7860" in code
]


def test_the_table_is_what_the_openapi_document_says(programs: Programs):
    document = httpx.get(f"{programs.local}/v1/openapi.json").json()
    constant = {f"/sdapi/v1/{name}" for name in ("samplers", "schedulers")}
    rows = dict(re.findall(r"^\| `((?:GET|POST) \S+)` \| (.*?) \|$", TEXT, re.MULTILINE))
    told = {
        f"{method.upper()} {path}": operation["description"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if operation.get("description")
    }
    assert constant <= document["paths"].keys()
    assert rows == told


@pytest.mark.parametrize(("language", "code"), EXAMPLES)
def test_an_example_runs(programs: Programs, language: str, code: str):
    program = PROGRAMS[language]
    if language != "python" and not shutil.which(program[0] if language == "javascript" else "curl"):
        pytest.skip(f"there is no {program[0]} here")
    ran = subprocess.run(
        [*program, code.replace("http://127.0.0.1:7860", programs.local)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        env=os.environ | {"no_proxy": "*", "NO_PROXY": "*"},
    )
    assert ran.returncode == 0, ran.stderr
    assert len(ran.stdout) > 10 and "error" not in ran.stdout


def test_its_commands_are_understood():
    commands = [line for line in TEXT.splitlines() if line.startswith("python cli.py ")]
    assert len(commands) >= 3
    for command in commands:
        cli.parse(shlex.split(command)[2:])
