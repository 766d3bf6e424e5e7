"""A family that nobody has heard of, added as one module and one record, is a model like every other."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from pipelines import catalog
from pipelines.hub.cache import COMMIT as FULL_COMMIT, Download, HubCache
from pipelines.local_model import LocalModel
from pipelines.machine import Gpu, Machine
from pipelines.plan import Needs
from pipelines.records import RECORDS
from studio.contract import GenerateRequest, Progress, Range, Size, Task
from studio.errors import NotReady, NotSupported
from studio.service import Studio
from tests.pipelines.loopback_hub import COMMIT, serving

DUMMY = LocalModel(
    id="dummy",
    label="Dummy",
    family="tests.pipelines.dummy_family:Dummy",
    download=Download("somebody/dummy", "main", gb=0.001, file="dummy.safetensors"),
    needs=Needs(text=0.1, transformer=0.2, vae=0.1, step=0.1, decode=0.1),
    licence="MIT",
    about="Paints in one colour.",
    tasks=frozenset({Task.GENERATE}),
    sizes=(Size(32, 32),),
    steps=Range(1, 4, 2),
)
LAPTOP = Machine("Linux x86_64", 2, 24.0, ())


def test_one_module_and_one_record_make_pictures(tmp_path: Path):
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "dummy.safetensors").write_bytes(bytes((10, 200, 30)))
    with serving("somebody/dummy", tmp_path / "hub") as served:
        hub = HubCache(tmp_path / "cache", served.url)
        specs = catalog.models(LAPTOP, hub, records=(*RECORDS, DUMMY))
        studio = Studio(specs, tmp_path / "outputs")
        try:
            dummy = next(spec for spec in specs if spec.id == "dummy")
            assert dummy.readiness().label == "0.1 GB download"
            assert dummy.licence_url == f"{served.url}/somebody/dummy"
            job = studio.generate("me", GenerateRequest("anything", model="dummy", seed=5))
            for _ in studio.events("me", job.id):
                pass
            done = studio.job("me", job.id)
            assert done.error == ""
            recipe = studio.asset("me", done.assets[0]).recipe
            assert (recipe.model, recipe.revision, recipe.seed) == ("dummy", COMMIT, 5)
            with Image.open(studio.path("me", done.assets[0])) as picture:
                assert picture.getpixel((0, 0)) == (10, 200, 30)
            assert dummy.readiness().label == "ready"
            heard: list[Progress] = []
            dummy.load(heard.append)
            assert "loading Dummy" in [each.note for each in heard]
            with pytest.raises(NotSupported):
                studio.generate("me", GenerateRequest("anything", model="dummy", guidance=3.0))
        finally:
            studio.close()


def test_its_record_says_which_machine_it_needs(tmp_path: Path):
    small = Machine("Linux x86_64", 2, 0.5, ())
    spec = next(spec for spec in catalog.models(small, HubCache(tmp_path), records=[DUMMY]))
    assert spec.readiness().label == "needs a GPU with 2 GB"
    assert spec.readiness().hint.endswith("The toy model runs everywhere.")
    studio = Studio([spec], tmp_path / "outputs")
    try:
        with pytest.raises(NotReady, match="Dummy needs a GPU with 2 GB of memory"):
            studio.generate("me", GenerateRequest("anything"))
    finally:
        studio.close()


def test_every_record_is_whole():
    """Found here, not by whoever chooses the model."""
    assert len({record.id for record in RECORDS}) == len(RECORDS)
    for record in RECORDS:
        assert record.licence and record.about and record.tasks
        assert record.family in catalog.FAMILIES
        assert record.follows in ("", *(other.id for other in RECORDS))
        assert record.licence_url or record.download
    machine = Machine("Linux x86_64", 8, 64.0, (Gpu("a card", 24.0, 23.0, (8, 9)),))
    assert {spec.id for spec in catalog.models(machine)} == {
        *(record.id for record in RECORDS),
        "outline",
        "lanczos",
        "canny",
        "toy-prompts",
    }


def test_published_weights_stay_the_same():
    """A branch may move. Of city96's files of FLUX.1 dev we know no commit."""
    downloads = [record.download for record in RECORDS if record.download]
    downloads += [part for download in downloads for _, part in download.parts]
    downloads += [file for record in RECORDS for _, file in record.gguf]
    moving = {one.repo for one in downloads if not FULL_COMMIT.fullmatch(one.revision)}
    assert moving == {"city96/FLUX.1-dev-gguf"}
