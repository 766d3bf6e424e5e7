"""Pictures of the clouds through the whole of Diorama: jobs, files, restarts, and nobody's key anywhere."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from providers import catalog
from providers.cloud import CloudSettings
from providers.keys import Keys
from providers.registry import OFFERS, OPENAI
from studio.contract import GenerateRequest, Task
from studio.errors import NotReady
from studio.service import Studio
from tests.providers import wires
from tests.providers.clouds import (
    CANARIES,
    GOOGLE as GOOGLE_CLOUD,
    OPENAI as OPENAI_CLOUD,
    PATIENT,
    TODAY,
    Cloud,
    end_of_calls,
)
from tests.providers.loopback import Provider
from tests.providers.wires import png
from tests.studio.fakes import OWNER, FakeModel, finished, spec_of, until
from ui.generate.controls import model_choices

FLARE = "openai-gpt-image-2.6-flare"


def studio_at(provider: Provider, outputs: Path, keys: Keys | None = None, today: date = TODAY) -> Studio:
    connection = CloudSettings(addresses={"OpenAI": f"{provider.url}/v1", "Google": provider.url}, limits=PATIENT)
    local = spec_of(FakeModel())
    return Studio([local, *catalog.models(keys or Keys(CANARIES), connection, today=lambda: today)], outputs)


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    return tmp_path / "outputs"


@pytest.fixture
def studio(provider: Provider, outputs: Path) -> Iterator[Studio]:
    one = studio_at(provider, outputs)
    yield one
    one.close()


def everything_in(folder: Path) -> bytes:
    return b"\0".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("cloud", [OPENAI_CLOUD, GOOGLE_CLOUD], ids=lambda cloud: cloud.name)
def test_a_picture_is_made_kept_and_says_what_it_cost(
    cloud: Cloud, provider: Provider, studio: Studio, outputs: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    cloud.before(provider)
    provider.says(cloud.path, cloud.picture(png((1024, 1024))))
    job = finished(studio, studio.generate(OWNER, GenerateRequest("a red ball", model=cloud.offer.id)))
    assert job.state == "done", job.error
    recipe = studio.asset(OWNER, job.assets[0]).recipe
    assert recipe.model == cloud.offer.id
    assert recipe.revision == cloud.offer.model
    assert recipe.price_usd > 0
    assert recipe.seed is None
    for key in CANARIES.values():
        assert key.encode() not in everything_in(outputs)
        assert key not in caplog.text
        assert key not in repr(studio.jobs(OWNER))


@pytest.mark.parametrize("status", [400, 401, 402, 403, 429, 500])
def test_a_key_that_a_provider_repeats_is_in_no_file_log_or_job(
    status: int, provider: Provider, studio: Studio, outputs: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    key = CANARIES["OPENAI_API_KEY"]
    provider.says(wires.IMAGES, wires.openai_error(status, f"Incorrect key {key} at {key}"))
    job = finished(studio, studio.generate(OWNER, GenerateRequest("a red ball", model=FLARE)))
    assert job.state == "failed"
    assert job.error.startswith(("OpenAI", "Your OpenAI"))
    assert key not in job.error
    assert key.encode() not in everything_in(outputs)
    assert key not in caplog.text


def test_stop_ends_the_job_and_the_picture_appears_when_it_comes(provider: Provider, studio: Studio):
    provider.hold = threading.Event()
    provider.says(wires.IMAGES, wires.openai_picture(png((1024, 1024))))
    job = studio.generate(OWNER, GenerateRequest("a red ball", model=FLARE, count=3))
    provider.wait_for_paid()
    studio.cancel(OWNER, job.id)
    assert finished(studio, job).state == "stopped"
    provider.hold.set()
    end_of_calls()
    over = studio.job(OWNER, job.id)
    assert over.state == "stopped"
    assert len(over.assets) == 1
    assert len(provider.paid()) == 1


def test_a_picture_that_comes_after_the_end_of_the_app_breaks_nothing(
    provider: Provider, studio: Studio, caplog: pytest.LogCaptureFixture
):
    provider.hold = threading.Event()
    provider.says(wires.IMAGES, wires.openai_picture(png((1024, 1024))))
    studio.generate(OWNER, GenerateRequest("a red ball", model=FLARE))
    provider.wait_for_paid()
    studio.close()
    provider.hold.set()
    end_of_calls()
    assert "came late is lost" in caplog.text


def test_a_job_that_ran_at_a_provider_is_not_paid_again_after_a_restart(provider: Provider, outputs: Path):
    provider.hold = threading.Event()
    provider.says(wires.IMAGES, wires.openai_picture(png((1024, 1024))))
    first = studio_at(provider, outputs)
    running = first.generate(OWNER, GenerateRequest("a red ball", model=FLARE))
    provider.wait_for_paid()
    first.close()
    provider.hold.set()
    second = studio_at(provider, outputs)
    try:
        job = second.job(OWNER, running.id)
        assert job.state == "failed"
        assert "may have been charged" in job.error
        assert len(provider.paid()) == 1
    finally:
        second.close()


def test_without_a_choice_nothing_is_sent_to_a_cloud(provider: Provider, outputs: Path):
    studio = studio_at(provider, outputs)
    try:
        assert finished(studio, studio.generate(OWNER, GenerateRequest("a red ball"))).model == "fake"
    finally:
        studio.close()
    connection = CloudSettings(addresses={"OpenAI": f"{provider.url}/v1"})
    alone = Studio(catalog.models(Keys(CANARIES), connection), outputs)
    try:
        with pytest.raises(NotReady):
            alone.generate(OWNER, GenerateRequest("a red ball"))
    finally:
        alone.close()
    assert provider.requests == []


def test_a_pasted_key_pays_for_its_owner_only(provider: Provider, outputs: Path):
    keys = Keys({})
    provider.says(wires.IMAGES, wires.openai_picture(png((1024, 1024))))
    studio = studio_at(provider, outputs, keys)
    try:
        keys.paste("ada", OPENAI.account, "sk-pasted-by-ada")
        job = studio.generate("ada", GenerateRequest("a red ball", model=FLARE))
        until(studio, job, lambda view: view.state == "done")
        assert provider.paid()[0].headers["authorization"] == "Bearer sk-pasted-by-ada"
        with pytest.raises(NotReady, match="OPENAI_API_KEY"):
            studio.generate("grace", GenerateRequest("a red ball", model=FLARE))
        assert len(provider.paid()) == 1
        assert b"sk-pasted" not in everything_in(outputs)
    finally:
        studio.close()


def test_quality_and_transparency_are_in_the_recipe_and_come_back(provider: Provider, studio: Studio):
    provider.says(wires.IMAGES, wires.openai_picture(png((1024, 1024), mode="RGBA", colour=(9, 9, 9, 0))))
    request = GenerateRequest("a red ball", model=FLARE, quality="high", transparent=True)
    job = finished(studio, studio.generate(OWNER, request))
    assert job.state == "done", job.error
    again = studio.settings_of(OWNER, job.assets[0]).request
    assert again is not None
    assert (again.quality, again.transparent, again.model) == ("high", True, FLARE)


def test_a_picture_of_another_size_is_kept_as_it_is(provider: Provider, studio: Studio):
    provider.says(wires.IMAGES, wires.openai_picture(png((1000, 700))))
    job = finished(studio, studio.generate(OWNER, GenerateRequest("a red ball", model=FLARE)))
    recipe = studio.asset(OWNER, job.assets[0]).recipe
    assert (recipe.width, recipe.height) == (1000, 700)


def test_the_notice_of_a_retired_model_is_kept_with_the_picture(provider: Provider, studio: Studio):
    provider.says(wires.IMAGES, wires.openai_picture(png((1024, 1024))))
    job = finished(studio, studio.generate(OWNER, GenerateRequest("a red ball", model="openai-gpt-image-1")))
    assert "has retired GPT Image 1" in studio.asset(OWNER, job.assets[0]).recipe.notice


def test_every_offer_is_an_entry_with_a_size_a_price_or_a_reason(studio: Studio):
    entries = {spec.id: spec for task in (Task.GENERATE, Task.ITERATE) for spec in studio.models(task)}
    assert {offer.id for offer in OFFERS} == entries.keys() - {"fake"}
    for offer in OFFERS:
        spec = entries[offer.id]
        assert spec.lane == "cloud"
        assert spec.sizes
        assert spec.readiness().label.startswith(("about $", "billed by usage", "retired"))
        assert offer.next in {"", *(one.model for one in OFFERS)}


def test_a_cloud_model_is_listed_on_the_page_once_there_is_a_key_for_it(provider: Provider, outputs: Path):
    keys: dict[str, str] = {}
    studio = studio_at(provider, outputs, Keys(keys))
    try:
        specs = studio.models(Task.GENERATE)
        assert [spec_id for _, spec_id in model_choices(specs)] == ["fake"]
        keys["OPENAI_API_KEY"] = CANARIES["OPENAI_API_KEY"]
        listed = dict(model_choices(specs))
        assert next(iter(listed.values())) == "fake"
        assert "GPT Image 2.6 Flare (OpenAI) · about $0.053 a picture" in listed
        assert "openai-gpt-image-1" not in listed.values()  # it was retired
        assert {spec_id.partition("-")[0] for spec_id in listed.values()} == {"fake", "openai"}
    finally:
        studio.close()
