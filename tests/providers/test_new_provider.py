"""A provider that nobody has heard of, added as one record and its service, is like every other on every page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from providers import catalog
from providers.cloud import CloudSettings
from providers.keys import Keys
from providers.provider import Account, Offer, Provider, Rates, sizes
from providers.registry import PROVIDERS
from studio.contract import GenerateRequest, Task
from studio.errors import NotReady
from studio.service import Studio
from tests.providers import loopback
from tests.providers.wires import b64, png
from tests.studio.fakes import OWNER, FakeModel, finished, spec_of
from ui.generate.controls import model_choices
from ui.routes.clouds import clouds_of
from ui.shared.header import readiness

SECRET = "dmy-canary-8f3a"
ACCOUNT = Account(
    "Dummy Inc.", ("DUMMY_KEY",), r"dmy-[\w-]{6,}", "https://d.example/k", "https://d.example/b", "https://d.example/t"
)
DUMMY = Provider(
    ACCOUNT,
    offers=(
        Offer(
            id="dummy-one",
            model="one",
            label="One",
            account=ACCOUNT,
            about="Paints in red.",
            tasks=frozenset({Task.GENERATE}),
            sizes=sizes((64, 48)),
            rates=Rates(0, 0, 0, 20.0),
            usual_usd=(("", 0.02),),
        ),
    ),
    readers=("words",),
    service="tests.providers.dummy_service:DummyService",
)


@pytest.fixture
def server() -> Iterator[loopback.Provider]:
    with loopback.serving() as one:
        yield one


@pytest.fixture
def studio(server: loopback.Provider, tmp_path: Path) -> Iterator[Studio]:
    keys, connection = Keys({}), CloudSettings(addresses={"Dummy Inc.": server.url})
    providers = (*PROVIDERS, DUMMY)
    models = [spec_of(FakeModel()), *catalog.models(keys, connection, providers=providers)]
    one = Studio(models, tmp_path / "outputs", clouds=catalog.accounts(keys, connection, providers))
    yield one
    one.close()


def test_it_paints_describes_and_is_shown_with_its_price(server: loopback.Provider, studio: Studio):
    with pytest.raises(NotReady, match=r"Dummy Inc\. needs an API key: get one at https://d\.example/k"):
        studio.generate(OWNER, GenerateRequest("a red ball", model="dummy-one"))
    studio.clouds.paste(OWNER, "Dummy Inc.", SECRET)
    server.says("/pictures", loopback.answer(200, {"png": b64(png()), "tokens": 1000}))
    done = finished(studio, studio.generate(OWNER, GenerateRequest("a red ball", model="dummy-one")))
    assert done.error == ""
    asset = studio.asset(OWNER, done.assets[0])
    assert (asset.model, asset.recipe.revision) == ("dummy-one", "one")
    assert server.requests[0].json() == {"model": "one", "prompt": "a red ball", "size": [64, 48]}
    assert studio.spending.today(OWNER).total == pytest.approx(0.02)
    server.says("/words", loopback.answer(200, {"text": "A red ball at dawn."}))
    assert studio.clouds.reader(OWNER) == "Dummy Inc."
    assert studio.clouds.improve_prompt(OWNER, "a red ball", lambda _progress: None) == "A red ball at dawn."
    # What the page says of it, without a word about it there:
    assert any("One (Dummy Inc.)" in label for label, _ in model_choices(studio.models(Task.GENERATE), OWNER))
    shown = {each["provider"]: each for each in clouds_of(studio, OWNER)["providers"]}
    assert (shown["Dummy Inc."]["source"], shown["Dummy Inc."]["url"]) == ("session", "https://d.example/k")
    generate = readiness(studio, OWNER, {})["tabs"][0]
    assert generate["models"][-1] == {"label": "Dummy Inc.", "ok": True, "state": "billed by usage", "about": "One."}


def test_its_keys_are_taken_out_of_what_it_says(server: loopback.Provider, studio: Studio):
    studio.clouds.paste(OWNER, "Dummy Inc.", SECRET)
    server.says("/pictures", loopback.answer(401, f"no such key: {SECRET}, nor dmy-another-one"))
    done = finished(studio, studio.generate(OWNER, GenerateRequest("a red ball", model="dummy-one")))
    assert "Dummy Inc. does not accept the key in DUMMY_KEY" in done.error
    assert "dmy-" not in done.error


def test_no_page_and_nothing_in_the_studio_names_a_provider():
    """But for `ui/programs`: an interface that OpenAI has defined has its name, whoever draws."""
    root = Path(__file__).resolve().parents[2]
    names = [each.lower() for provider in PROVIDERS for each in (provider.account.provider, *provider.account.names)]
    found = [
        f"{path.relative_to(root)}: {name}"
        for folder in ("ui", "studio")
        for path in (root / folder).rglob("*")
        if path.suffix in {".py", ".js", ".html"} and root / "ui/programs" not in path.parents
        for name in names
        if name in path.read_text(encoding="utf-8").lower()
    ]
    nodes, refusals = "studio/intake/settings/comfyui/words.py: openai", "ui/guard/answers.py: openai"
    assert sorted(found) == [nodes, refusals]  # names of ComfyUI's nodes; how those of the interfaces look
