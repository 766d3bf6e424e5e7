"""The bundled weights: what is not as it was shipped is named in a sentence, and never used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

from pipelines import bundled, catalog, readiness, records
from pipelines.catalog import WEIGHTS
from pipelines.hub.cache import HubCache
from pipelines.machine import Machine
from studio.contract import ModelSpec
from studio.errors import NotReady
from studio.service import Studio
from tests.pipelines.conftest import ignore
from tests.ui.painter import Brush, catalog as painters
from tests.ui.serve import everybody_by_token, served
from toybox import checksums

LAPTOP = Machine("Linux x86_64", 2, 24.0, ())
RECORDS = {each.id: each for each in records.RECORDS}
TOYS = tuple(each.id for each in records.RECORDS if each.download is None)
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:aeed3a\nsize 9011832\n"
TOKEN = "a" * 16
ROOT = WEIGHTS.parent


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    replace(path, bytes(content))


def cut(path: Path) -> None:
    replace(path, path.read_bytes()[: path.stat().st_size // 2])


def replace(path: Path, content: bytes) -> None:
    """A new file: the old one may be a link to the real weights."""
    path.unlink()
    path.write_bytes(content)


DAMAGE: dict[str, Callable[[Path], None]] = {
    "flipped": flipped,
    "cut": cut,
    "empty": lambda path: replace(path, b""),
    "a web page": lambda path: replace(path, b"<!doctype html><title>502</title>"),
    "a pointer": lambda path: replace(path, POINTER),
}


def copy_of(name: str, folder: Path) -> Path:
    """A bundled model whose files may be spoilt, with the one that it cannot do without beside it."""
    for each in RECORDS[name].bundles:
        if not (folder / "weights" / each).is_dir():  # two models may share one
            shutil.copytree(WEIGHTS / each, folder / "weights" / each, copy_function=os.link)
    return folder / "weights" / name


def spec_of(name: str, folder: Path) -> ModelSpec:
    return catalog.spec_of(RECORDS[name], LAPTOP, HubCache(folder / "cache"), folder)


@pytest.mark.parametrize("name", [name for toy in TOYS for name in RECORDS[toy].bundles])
def test_the_lists_that_ship_are_right_complete_and_what_sha256sum_reads(name: str):
    folder = WEIGHTS / name
    text = (folder / bundled.LISTING).read_text()
    assert text == checksums.listing(folder)
    listed = {line[66:] for line in text.splitlines()} | {bundled.LISTING}
    assert listed == {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert bundled.fault(folder) == ""
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--check", "--strict", "--ignore", bundled.LISTING], cwd=folder, check=True)


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", TOYS)
def test_whatever_is_wrong_with_any_file_is_said_and_the_model_is_not_loaded(name: str, damage: str, tmp_path: Path):
    folder = copy_of(name, tmp_path)
    spec = spec_of(name, folder)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        kept = path.with_name(path.name + ".kept")
        os.link(path, kept)
        DAMAGE[damage](path)
        hint = spec.readiness().hint
        if path.name == bundled.LISTING and damage == "flipped":  # either may be what is wrong
            assert "is damaged: clone the repository again." in hint
        else:
            shown = f"weights/{name}/{path.relative_to(folder).as_posix()}"
            assert hint.startswith(f"The file {shown} is damaged: clone the repository again.")
            assert ("git lfs pull" in hint) == (damage == "a pointer")
        with pytest.raises(NotReady) as refused:
            spec.load(ignore)
        assert str(refused.value) == hint
        os.replace(kept, path)
    assert spec.readiness().ok  # once all is as it was, without a restart


def test_a_model_that_another_cannot_do_without_is_looked_at_too(tmp_path: Path):
    spec = spec_of("toy-vqgan", copy_of("toy-vqgan", tmp_path))
    shutil.rmtree(tmp_path / "weights" / "toy-clip")
    assert spec.readiness().hint == "The folder weights/toy-clip is missing: clone the repository again."
    with pytest.raises(NotReady, match="toy-clip is missing"):
        spec.load(ignore)


def test_a_missing_an_unlisted_and_an_unreadable_file_are_said(tmp_path: Path):
    folder = copy_of("toy-sam", tmp_path)
    (folder / "more.safetensors").write_bytes(b"")
    assert bundled.fault(folder) == "The file weights/toy-sam/SHA256SUMS is damaged: clone the repository again."
    (folder / "more.safetensors").unlink()
    for path in (folder / "config.yaml", folder / bundled.LISTING):
        content = path.read_bytes()
        path.unlink()
        assert bundled.fault(folder) == (
            f"The file weights/toy-sam/{path.name} is missing: clone the repository again."
        )
        path.mkdir()  # root may read everything, but not a folder as a file
        assert bundled.fault(folder).startswith(f"The file weights/toy-sam/{path.name} cannot be read (Is a directory)")
        assert readiness.revision_of(folder)
        path.rmdir()
        path.write_bytes(content)
    shutil.rmtree(folder)
    assert bundled.fault(folder) == "The folder weights/toy-sam is missing: clone the repository again."


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """With a model that draws, and all bundled ones with a byte flipped."""
    for name in TOYS:
        folder = copy_of(name, tmp_path)
        flipped(next(path for path in sorted(folder.rglob("*.safetensors"))))
    flipped(tmp_path / "weights/toy-klein/known_words.json")
    specs = [spec_of(name, tmp_path / "weights" / name) for name in TOYS]
    larger = spec_of("sam2.1-tiny", tmp_path)  # could be downloaded
    opened = Studio([*painters(Brush(0.005)), *specs, larger], tmp_path / "outputs")
    yield opened
    opened.close()


def test_the_page_and_the_api_say_it_and_the_rest_of_the_app_goes_on(
    studio: Studio, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    Image.new("RGB", (64, 48), "red").save(tmp_path / "red.png")
    picture = studio.take_in(TOKEN, tmp_path / "red.png").id
    damaged = "The file weights/{} is damaged: clone the repository again."
    with served(studio, everybody_by_token) as address:
        headers = {"X-Diorama-Token": TOKEN}
        body = {"picture": picture, "points": [[9, 9, 1]], "number": 1, "page": "one"}
        # Not asked for by name, the damaged one is not replaced by one that has to be downloaded.
        answer = httpx.post(f"{address}diorama/segment", json=body, headers=headers)
        assert answer.status_code == 400, answer.text
        assert damaged.format("toy-sam/model.safetensors") in answer.text
        client = Client(address, verbose=False, download_files=False)
        with pytest.raises(AppError, match=damaged.format("toy-klein/known_words.json")):
            client.predict("a red ball", model="toy-klein", token=TOKEN, api_name="/generate")
        with pytest.raises(AppError, match=damaged.format("toy-sam/model.safetensors")):
            client.predict(picture, [[9, 9, 1]], token=TOKEN, api_name="/segment")
        with pytest.raises(AppError, match=damaged.format("toy-views/image_encoder/model.safetensors")):
            client.predict(picture, token=TOKEN, api_name="/views")
        assert client.predict("a red ball", token=TOKEN, api_name="/generate")
        client.close()
    assert studio.unknown_words("toy-klein", "a red dragon") == ()
    assert [record for record in caplog.records if record.exc_info] == []


def test_a_first_click_waits_for_torch_alone_and_not_for_diffusers():
    code = (
        "import sys; from pipelines import catalog;"
        "next(spec for spec in catalog.models() if spec.id == 'toy-sam').load(lambda progress: None);"
        "print('torch' in sys.modules, 'diffusers' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() == "True False"


def test_the_terminal_says_it_without_a_trace(tmp_path: Path):
    """In a copy of the code, because the folder of the weights is the one beside it."""
    for path in ROOT.glob("*.py"):
        shutil.copy(path, tmp_path)
    for package in ("commands", "studio", "pipelines", "providers"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in TOYS:
        cut(copy_of(name, tmp_path) / bundled.LISTING)
    Image.new("RGB", (64, 48), "red").save(tmp_path / "red.png")
    for verb, name in (("generate", "toy-klein"), ("segment", "toy-sam")):
        arguments = ["red.png", "--point", "9,9"] if verb == "segment" else ["a red ball"]
        done = subprocess.run(
            [sys.executable, "cli.py", verb, *arguments, "--outputs", "outputs", "-o", "made"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode in (1, 2)
        assert done.stderr.splitlines()[-1].endswith(
            f"The file weights/{name}/SHA256SUMS is damaged: clone the repository again."
        )
        assert "Traceback" not in done.stderr
