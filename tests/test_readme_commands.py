"""The chain of terminal commands in the README, each as it stands there, in a folder with the files that it names.

What needs a cloud or the Hub asks a server on this machine.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cli
from pipelines.records.flux import KLEIN
from tests.pipelines.loopback_hub import serving as serving_hub
from tests.pipelines.tiny import save_klein
from tests.providers import wires
from tests.providers.loopback import serving as serving_provider
from tests.test_readme import README
from toybox.world import Camera, Scene, Thing, render


def chain() -> list[str]:
    block = re.search(r"## In a terminal\n+```bash\n(.*?)```", README, re.DOTALL)
    assert block
    return [line for line in block.group(1).splitlines() if line.strip()]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a photo that has something at (420, 310), and with prompts; nearby servers for what is far away."""
    scene = render(Scene((Thing("ball", "blue", scale=0.9),), "grey", Camera(elevation_deg=20)), size=240)
    photo = Image.new("RGB", (640, 480), Image.fromarray(scene.image).getpixel((2, 2)))  # type: ignore[arg-type]
    rows, columns = np.nonzero(scene.mask)
    photo.paste(Image.fromarray(scene.image), (420 - round(columns.mean()), 310 - round(rows.mean())))
    photo.save(tmp_path / "holiday.jpg", quality=95)
    (tmp_path / "prompts.txt").write_text("a blue cube on a grey background\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    repo = save_klein(tmp_path / "repo")
    with serving_provider() as provider, serving_hub(KLEIN.download.repo, repo) as hub:
        provider.says(wires.RESPONSES, wires.openai_words("A blue ball in the sun."))
        monkeypatch.setenv("OPENAI_BASE_URL", f"{provider.url}/v1")
        monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield tmp_path


def test_the_commands_of_the_readme_work_one_after_the_other(place: Path, capsys: pytest.CaptureFixture[str]):
    told = {}
    for command in chain():
        program, script, verb, *rest = shlex.split(command)
        assert (program, script) == ("python", "cli.py")
        kept = [] if verb in ("models", "download") else ["--outputs", "diorama"]  # not the person's own pictures
        capsys.readouterr()
        assert cli.main([verb, *rest, *kept]) == 0, f"{command}\n{capsys.readouterr().err}"
        told[command] = capsys.readouterr().out
    for name in ("ball.png", "ball-2.png", "red-kite.png", "cutouts/kite.png", "cutouts/kite-mask.png"):
        with Image.open(place / name) as picture:
            picture.load()
    with Image.open(place / "cutouts/kite-mask.png") as mask:
        assert mask.size == (640, 480)
        assert mask.convert("L").getpixel((420, 310)) == 255
        assert mask.convert("L").getpixel((500, 90)) == 0
    assert (place / "kite.glb").read_bytes()[:4] == b"glTF"
    assert len([*(place / "pictures").iterdir()]) == 1
    assert told["python cli.py describe holiday.jpg"] == "A blue ball in the sun.\n"
    extended = Path(told['python cli.py iterate holiday.jpg "" --extend left=256'].strip())
    with Image.open(extended) as picture:
        assert picture.size == (640 + 256, 480)


def test_the_list_of_models_stands_in_columns(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["models"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith((" ", "LoRAs"))]
    starts = {tuple(found.start() for found in re.finditer(r"(?<=  )\S", line))[:2] for line in lines}
    assert len(starts) == 1
    sizes = re.findall(r"\S+ GB", "\n".join(lines))
    assert sizes and all(re.fullmatch(r"(\d\d+|\d\.\d|[1-9]) GB", size) for size in sizes), sizes
