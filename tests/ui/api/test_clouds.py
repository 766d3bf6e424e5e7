"""Providers through the real app: endpoints, our own routes with anything in them, and a pasted key that is nowhere.

The SDKs are the real ones; what they ask is a server on this machine.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

import app
from commands.sharing import identity
from providers.keys import Keys
from studio.service import Studio
from tests.app_process import AppProcess
from tests.patience import PATIENCE_SECONDS
from tests.ports import free_port
from tests.providers import wires
from tests.providers.loopback import Provider, serving
from tests.providers.wires import png
from ui import page

CANARY = "sk-canary-77aa-pasted"
FLARE = "openai-gpt-image-2.6-flare"
ADA, GRACE = "ada's secret token", "grace's secret token"


class Served(NamedTuple):
    url: str
    client: Client
    provider: Provider
    studio: Studio
    outputs: Path

    def post(self, path: str, body: Any, token: str | None = ADA, **options: Any) -> httpx.Response:
        headers = {} if token is None else {"X-Diorama-Token": token}
        return httpx.post(f"{self.url}diorama/{path}", json=body, headers=headers, timeout=PATIENCE_SECONDS, **options)

    def ask(self, endpoint: str, token: str = ADA, **values: Any) -> Any:
        return self.client.predict(**values, token=token, api_name=f"/{endpoint}")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Open to anyone: every token is a person."""
    outputs = tmp_path_factory.mktemp("outputs")
    with serving() as provider, pytest.MonkeyPatch.context() as environment:
        environment.setenv("OPENAI_BASE_URL", f"{provider.url}/v1")
        provider.says(wires.IMAGES, wires.openai_picture(png((1024, 1024))))
        provider.says(wires.RESPONSES, wires.openai_words("A walrus on velvet."))
        keys = Keys({"GOOGLE_API_KEY": "of-the-host"}, lend=False)
        studio = app.open_studio(outputs, keys=keys)
        identify = identity.identify_by(app.parse(["--open"]))
        demo = page.build(studio, identify)
        launch = page.launch_options(studio, identify, local_only=True)
        _, url, _ = demo.launch(
            prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", server_port=free_port(), **launch
        )
        client = Client(url, verbose=False, download_files=False)
        yield Served(url, client, provider, studio, outputs)
        client.close()
        demo.close()
        studio.close()


@pytest.fixture
def keyed(served: Served) -> Iterator[Served]:
    """Ada has pasted a key."""
    assert served.post("keys", {"provider": "OpenAI", "key": CANARY}).status_code == 200
    yield served
    served.post("keys", {"provider": "OpenAI", "key": ""})


@pytest.fixture
def picture(served: Served, tmp_path: Path) -> str:
    file = tmp_path / "walrus.png"
    file.write_bytes(png())
    return served.ask("add_picture", file=handle_file(file))["picture"]["id"]


def source(served: Served, provider: str, token: str) -> str:
    told = served.post("clouds", {}, token).json()["providers"]
    return next(each["source"] for each in told if each["provider"] == provider)


def test_a_pasted_key_makes_its_owners_models_ready_and_nobody_elses(keyed: Served):
    def ready(token: str) -> bool:
        return {model["id"]: model["ready"] for model in keyed.ask("models", token)}[FLARE]

    assert (ready(ADA), ready(GRACE), ready("")) == (True, False, False)
    assert (source(keyed, "OpenAI", ADA), source(keyed, "OpenAI", GRACE)) == ("session", "")
    assert source(keyed, "Google", ADA) == ""  # the host's key is not lent to those who just come by
    before = len(keyed.provider.paid())
    with pytest.raises(AppError, match="OpenAI needs an API key"):
        keyed.ask("generate", GRACE, prompt="a fox", model=FLARE)
    assert len(keyed.provider.paid()) == before


def test_the_models_say_what_a_picture_costs(served: Served):
    told = {model["id"]: model for model in served.ask("models")}
    assert told[FLARE]["price_usd"] == pytest.approx(0.053)
    assert told[FLARE]["provider"] == "OpenAI"
    assert (told["toy-klein"]["price_usd"], told["toy-klein"]["provider"]) == (0, "")


def test_above_the_daily_cap_it_wants_a_confirmation(keyed: Served):
    wish = {"prompt": "a fox", "model": FLARE, "quality": "high", "width": 3840, "height": 2160, "count": 4}
    before = len(keyed.provider.paid())
    with pytest.raises(AppError, match=r"daily cap of \$5\.00\. Confirm the cost"):
        keyed.ask("generate", **wish)
    assert len(keyed.provider.paid()) == before
    assert keyed.ask("generate", **wish, confirm_cost=True)["state"] == "done"
    assert len(keyed.provider.paid()) == before + 4
    assert keyed.post("clouds", {}).json()["spent"] != "$0.00"
    assert keyed.post("clouds", {}, GRACE).json()["spent"] == "$0.00"


def test_a_description_is_answered_kept_and_found(keyed: Served, picture: str):
    told = keyed.ask("describe", picture_id=picture)
    assert (told["id"], told["description"]) == (picture, "A walrus on velvet.")
    assert [found["id"] for found in keyed.ask("gallery", query="velvet walrus")["pictures"]] == [picture]
    assert keyed.post("describe", {"picture": picture}).json()["description"] == "A walrus on velvet."


def test_a_prompt_is_improved(keyed: Served):
    assert keyed.ask("improve_prompt", prompt="a walrus") == "A walrus on velvet."
    assert keyed.post("improve", {"prompt": "a walrus"}).json() == {"prompt": "A walrus on velvet."}


def test_words_are_off_without_a_key(served: Served, picture: str):
    with pytest.raises(AppError, match=r"only the toy world.* needs the key of a provider, such as OpenAI"):
        served.ask("improve_prompt", prompt="a walrus")
    for model, status in (("toy-klein", 200), ("", 200), ("flux2-klein-4b", 400), ("none", 400)):  # toys know toys
        assert served.post("improve", {"prompt": "a ball", "model": model}).status_code == status, model
    answer = served.post("describe", {"picture": picture})
    assert (answer.status_code, "needs the key" in answer.json()["error"]) == (400, True)


def test_anothers_picture_does_not_exist(keyed: Served, picture: str):
    keyed.post("keys", {"provider": "OpenAI", "key": CANARY}, GRACE)
    before = len(keyed.provider.paid())
    assert keyed.post("describe", {"picture": picture}, GRACE).status_code == 404
    with pytest.raises(AppError, match="There is no picture"):
        keyed.ask("describe", GRACE, picture_id=picture)
    assert len(keyed.provider.paid()) == before
    keyed.post("keys", {"provider": "OpenAI", "key": ""}, GRACE)


def test_who_goes_away_finds_the_description_later(keyed: Served, picture: str):
    keyed.provider.hold = threading.Event()
    keyed.provider.was_paid.clear()
    with pytest.raises(httpx.TimeoutException):
        httpx.post(
            f"{keyed.url}diorama/describe",
            json={"picture": picture},
            headers={"X-Diorama-Token": ADA},
            timeout=httpx.Timeout(PATIENCE_SECONDS, read=0.2),
        )
    keyed.provider.wait_for_paid()
    owner = identity.visitor(ADA)
    again = keyed.studio.describing.describe(owner, picture)  # the same question, still on its way
    keyed.provider.hold.set()
    keyed.provider.hold = None
    assert again.answer.result(PATIENCE_SECONDS).description == "A walrus on velvet."


BAD = [
    ("keys", {"provider": "OpenAI", "key": f"{CANARY} with blanks"}, "This is not a valid OpenAI key"),
    ("keys", {"provider": "OpenAI", "key": CANARY * 1_000}, "This is not a valid OpenAI key"),
    ("keys", {"provider": "OpenAI", "key": f"{CANARY}\u0000"}, "This is not a valid OpenAI key"),
    ("keys", {"provider": "OpenAI", "key": f"{CANARY}é"}, "This is not a valid OpenAI key"),
    ("keys", {"provider": "OpenAI", "key": [CANARY]}, "A key must be text"),
    ("keys", {"provider": "OpenAI", "key": {"of": CANARY}}, "A key must be text"),
    ("keys", {"provider": "OpenAI"}, "A key must be text"),
    ("keys", {"provider": "Evil", "key": CANARY}, "There is no provider 'Evil'"),
    ("keys", {"provider": 5, "key": CANARY}, "not text"),
    ("keys", {"key": CANARY}, "not text"),
    ("keys", [CANARY], "Send a JSON object"),
    ("keys", CANARY, "Send a JSON object"),
    ("clouds", None, "Send a JSON object"),
    ("describe", {"picture": 5}, "not text"),
    ("describe", {"picture": "' OR 1=1 --"}, "There is no picture"),
    ("describe", {"picture": "../../etc/passwd"}, "There is no picture"),
    ("improve", {"prompt": ""}, "no prompt to improve"),
    ("improve", {"prompt": " \u200d\u3164 "}, "no prompt to improve"),
    ("improve", {"prompt": "x" * 20_000}, "10,000 is the most"),
    ("improve", {"prompt": ["a"]}, "not text"),
    ("improve", {}, "not text"),
]


@pytest.mark.parametrize(("path", "body", "sentence"), BAD)
def test_bad_input_is_one_sentence_without_the_key(path: str, body: Any, sentence: str, keyed: Served):
    before = len(keyed.provider.paid())
    answer = keyed.post(path, body)
    assert 400 <= answer.status_code < 500
    assert sentence in answer.json()["error"]
    assert CANARY not in answer.text
    assert len(keyed.provider.paid()) == before
    assert source(keyed, "OpenAI", ADA) == "session"  # what was right before stays


@pytest.mark.parametrize("path", ["clouds", "keys", "describe", "improve"])
def test_only_who_is_known_is_answered(path: str, served: Served):
    assert served.post(path, {"provider": "OpenAI", "key": CANARY}, token=None).status_code == 401
    assert served.post(path, {"provider": "OpenAI", "key": CANARY}, token="short").status_code == 401
    assert httpx.get(f"{served.url}diorama/{path}").status_code in (404, 405)


def test_a_body_that_is_too_large_or_no_json_is_refused(served: Served):
    headers = {"X-Diorama-Token": ADA}
    for content, status in ((b"{" * 100_000, 400), (b"x" * 1_100_000, 413), (b"\xff\xfe", 400), (b"", 400)):
        answer = httpx.post(f"{served.url}diorama/keys", content=content, headers=headers)
        assert answer.status_code == status
        assert answer.json()["error"]


def test_a_key_that_was_pasted_is_in_no_log_file_or_answer(tmp_path: Path):
    """The whole app as a process, with everything it prints; the provider repeats the key it was sent."""
    with serving() as provider:
        provider.says(
            wires.IMAGES,
            wires.openai_picture(png((1024, 1024))),
            wires.openai_error(401, f"Incorrect API key provided: {CANARY}."),
        )
        provider.says(wires.RESPONSES, wires.openai_error(500, f"Oh, {CANARY}!"))
        process = AppProcess(tmp_path, OPENAI_BASE_URL=f"{provider.url}/v1", DIORAMA_DAILY_CAP_USD="off")
        try:
            said = whole_story(process.url)
        finally:
            process.end()
        assert provider.paid()[0].headers["authorization"] == f"Bearer {CANARY}"
    assert said.count("OpenAI") > 3
    assert "A key of OpenAI was pasted." in process.told
    assert CANARY not in said
    assert CANARY not in process.told
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert any(file.suffix == ".png" for file in files)
    assert not any(CANARY.encode() in file.read_bytes() for file in files)


def whole_story(url: str) -> str:
    """Paste, paint, fail, ask for words, look at everything; all that was answered."""
    told: list[str] = []
    headers = {"X-Diorama-Token": ADA}

    def post(path: str, body: Any) -> None:
        told.append(httpx.post(f"{url}diorama/{path}", json=body, headers=headers, timeout=PATIENCE_SECONDS).text)

    post("keys", {"provider": "OpenAI", "key": CANARY})
    client = Client(url, verbose=False, download_files=False)
    for _ in range(2):
        told.append(str(client.predict(prompt="a fox", model=FLARE, api_name="/generate")))
    assert "does not accept" in told[-1] or "key" in told[-1]
    post("improve", {"prompt": "a fox"})
    post("clouds", {})
    told.append(str(client.predict(api_name="/models")))
    client.close()
    told += [httpx.get(url + path).text for path in ("", "config", "gradio_api/info")]
    return "\n".join(told)
