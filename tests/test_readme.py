"""What the README says is so: its commands parse, its tables match the code, its pictures and folders exist."""

from __future__ import annotations

import re
import shlex
import subprocess
from itertools import takewhile
from pathlib import Path

import pytest

import app
import cli
from pipelines import catalog
from pipelines.machine import Machine
from tests.ui.walk import STEPS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line.split("#")[0].strip()
    for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_understood(command: str):
    program, *arguments = shlex.split(command)
    if program == "make":
        subprocess.run(["make", "--dry-run", *arguments], cwd=ROOT, check=True, capture_output=True)
        return
    assert program == "python"
    script, *arguments = arguments
    {"cli.py": cli.parse, "app.py": app.parse}[script](arguments)


def test_every_option_of_the_table_is_an_option_of_the_app(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        app.parse(["--help"])
    told = capsys.readouterr().out
    options = re.findall(r"^\| `(--\w+)", README, re.MULTILINE)
    assert len(options) >= 6
    for option in options:
        assert option in told


def test_the_table_of_models_is_the_catalog():
    rows = dict(re.findall(r"^\| `([a-z][a-z0-9.-]*)` \| (.*?) \|$", README, re.MULTILINE))
    specs = {spec.id: spec for spec in catalog.models(Machine("Linux", 2, 8.0, ()))}
    assert rows.keys() == specs.keys()
    for model_id, row in rows.items():
        assert specs[model_id].label in row
        assert specs[model_id].licence in row


def test_the_pictures_of_the_walk_are_those_of_its_steps():
    shown = re.findall(r"!\[([^]]*)\]\(docs/walk-(\d)-(\w+)\.png\) \2\. \1 \|", README)
    assert shown == [(said, str(number), name) for number, (name, said) in enumerate(STEPS.items(), start=1)]


def test_every_linked_file_exists():
    links = re.findall(r"\]\(([^):]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_tree_names_what_is_there():
    tree = re.search(r"## The tree\n+```\n(.*?)```", README, re.DOTALL)
    assert tree
    found, folder = [], ROOT
    for line in tree.group(1).splitlines():
        names = [*takewhile(lambda word: word.endswith(("/", ".py")), line.split())]
        folder = folder if line.startswith(" ") else ROOT
        found += [folder / name for name in names]
        folder = folder if line.startswith(" ") else ROOT / names[0]
    assert len(found) > 30
    assert [path for path in found if not path.exists()] == []


def test_the_space_installs_the_gradio_that_is_pinned():
    version = re.search(r"^sdk_version: (\S+)$", README, re.MULTILINE)
    assert version
    assert f"gradio=={version.group(1)}" in (ROOT / "requirements.txt").read_text()
