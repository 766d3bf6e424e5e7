"""The entries for views and splats: which there are, what they need, and that an object becomes a splat with them."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from safetensors.torch import save_file

from lgm.config import LGMConfig
from lgm.model import LGM
from pipelines import catalog
from pipelines.bundled import LISTING
from pipelines.hub.cache import Download, HubCache
from pipelines.machine import Gpu, Machine
from pipelines.records import solid
from studio.contract import ModelSpec, Progress, Task
from studio.service import Studio
from studio.solid.contract import SolidRequest
from tests.lgm.reference import facts, filled
from tests.pipelines.loopback_hub import COMMIT, serving
from tests.pipelines.tiny_views import save_imagedream
from tests.studio.fakes import OWNER, finished
from tests.studio.turning_fake import disc_png, turning_specs
from toybox.checksums import listing

LAPTOP = Machine("Linux x86_64", 2, 24.0, ())
SMALL_LAPTOP = Machine("Linux x86_64", 2, 4.0, ())
WORKSTATION = Machine("Linux x86_64", 8, 64.0, (Gpu("a card", 24.0, 23.0, (8, 9)),))


@pytest.fixture
def hub(tmp_path: Path) -> HubCache:
    return HubCache(tmp_path / "cache")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny models in the layout of the bundled ones."""
    folder = tmp_path_factory.mktemp("weights")
    save_imagedream(folder / "toy-views")
    (folder / "toy-lgm").mkdir()
    tiny = facts("lgm_reduced_sym")
    config = LGMConfig(**tiny["config"])
    model = filled(LGM(config), tiny["weights_tag"])
    save_file({key: value.half() for key, value in model.state_dict().items()}, folder / "toy-lgm/model.safetensors")
    (folder / "toy-lgm/config.json").write_text(json.dumps(asdict(config)))
    for model_folder in folder.iterdir():
        (model_folder / LISTING).write_text(listing(model_folder))
    return folder


def models(machine: Machine, hub: HubCache, weights: Path) -> list[ModelSpec]:
    return [spec for spec in catalog.models(machine, hub, weights=weights) if spec.tasks & {Task.VIEWS, Task.SPLAT}]


def ids(machine: Machine, hub: HubCache, weights: Path) -> list[str]:
    return [spec.id for spec in models(machine, hub, weights)]


def spec_of(model_id: str, machine: Machine, hub: HubCache, weights: Path) -> ModelSpec:
    return next(spec for spec in models(machine, hub, weights) if spec.id == model_id)


def test_the_toys_are_offered_where_their_weights_are_and_come_first_without_a_gpu(
    hub: HubCache, weights: Path, tmp_path: Path
):
    assert ids(LAPTOP, hub, tmp_path) == ["imagedream", "lgm"]
    assert ids(LAPTOP, hub, weights) == ["toy-views", "toy-lgm", "imagedream", "lgm"]
    assert ids(WORKSTATION, hub, weights) == ["imagedream", "lgm", "toy-views", "toy-lgm"]


def test_each_says_what_it_needs(hub: HubCache, weights: Path):
    needs = {
        (model_id, machine): spec_of(model_id, machine, hub, weights).readiness()
        for model_id in ("imagedream", "lgm", "toy-views", "toy-lgm")
        for machine in (LAPTOP, SMALL_LAPTOP, WORKSTATION)
    }
    assert needs["imagedream", LAPTOP].label == "needs a GPU with 5 GB"
    assert "Four pictures of your own do as well." in needs["imagedream", LAPTOP].hint
    assert needs["imagedream", WORKSTATION].label == "4.0 GB download"
    assert needs["lgm", LAPTOP].label == "0.8 GB download"
    assert needs["lgm", SMALL_LAPTOP].hint.startswith("LGM needs 8 GB of memory; this machine has 4 GB.")
    assert needs["toy-views", SMALL_LAPTOP].label == "ready" == needs["toy-lgm", SMALL_LAPTOP].label


def test_an_object_becomes_a_splat_with_the_bundled_models(hub: HubCache, weights: Path, tmp_path: Path):
    studio = Studio(models(LAPTOP, hub, weights), tmp_path / "outputs")
    try:
        disc = studio.take_in(OWNER, disc_png(), "disc.png").id
        made = finished(studio, studio.solids.make(OWNER, SolidRequest(disc, seed=1, steps=4, elevation_deg=10)))
        assert made.error == "" and len(made.assets) == 5
        assert studio.asset(OWNER, made.assets[1]).model == "toy-views"
        asset = studio.asset(OWNER, made.assets[4])
        assert asset.model == "toy-lgm" and asset.recipe.splat.fit is not None
        assert studio.splats.splat(OWNER, asset.id).count > 0
    finally:
        studio.close()


def test_imagedream_is_downloaded_and_makes_views(tmp_path: Path):
    download = Download("tiny/imagedream", "main", gb=0.001)
    with serving(download.repo, save_imagedream(tmp_path / "published")) as served:
        record = replace(solid.IMAGEDREAM, label="Tiny ImageDream", download=download)
        spec = catalog.spec_of(record, WORKSTATION, HubCache(tmp_path / "cache", served.url), tmp_path)
        assert "download" in spec.readiness().label
        studio = Studio([spec], tmp_path / "outputs")
        try:
            disc = studio.take_in(OWNER, disc_png(), "disc.png").id
            job = studio.solids.make(OWNER, SolidRequest(disc, splat=False, seed=1, steps=10))
            notes = [event.note for event in studio.events(OWNER, job.id) if isinstance(event, Progress)]
            done = finished(studio, job)
            assert done.error == "" and len(done.assets) == 4
            assert studio.asset(OWNER, done.assets[3]).recipe.revision == COMMIT
            assert any("Tiny ImageDream" in note for note in notes)
        finally:
            studio.close()
        assert spec.readiness().label == "ready"


def test_weights_of_another_model_are_refused_with_a_sentence(weights: Path, tmp_path: Path):
    download = Download("tiny/lgm", "main", gb=0.001, file="model.safetensors")
    with serving(download.repo, weights / "toy-lgm") as served:
        record = replace(solid.LGM, download=download)
        spec = catalog.spec_of(record, LAPTOP, HubCache(tmp_path / "cache", served.url), tmp_path)
        studio = Studio([turning_specs()[0], spec], tmp_path / "outputs")
        try:
            disc = studio.take_in(OWNER, disc_png(), "disc.png").id
            done = finished(studio, studio.solids.make(OWNER, SolidRequest(disc)))
            assert done.state == "failed" and "The weights of LGM cannot be opened" in done.error
        finally:
            studio.close()
