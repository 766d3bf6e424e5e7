"""NeuroLux's subjects: what its REST answers, asked for by any NATS client."""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nats.aio.msg import Msg
from PIL import Image

from studio.contract import Size
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.studio.fakes import OWNER, FakeModel, spec_of
from tests.workers.conftest import OpenApp
from tests.workers.nats_server import NatsServer
from tests.workers.test_codec import noise
from ui.programs.messages import Messages
from workers import subjects
from workers.connection import Connection

ROOT = Path(__file__).parents[2]


class Client:
    def __init__(self, connection: Connection, model: FakeModel) -> None:
        self._connection, self.model = connection, model

    def ask(self, subject: str, body: object) -> dict[str, Any]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = self._connection.call(self._connection.client.request(subject, content, PATIENCE_SECONDS))
        return json.loads(answer.data)


@pytest.fixture
def client(connection: Connection, open_app: OpenApp) -> Iterator[Client]:
    model = FakeModel()
    specs = [spec_of(model, "toy"), spec_of(model, "large", sizes=(Size(1024, 768),))]
    messages = Messages(open_app(*specs, awaited=0), OWNER)
    connection.call(subjects.serve(connection, messages.generate, messages.model_info))
    yield Client(connection, model)


def test_a_request_is_answered_with_a_picture_and_everybody_hears_of_it(client: Client, connection: Connection):
    heard: list[Msg] = []

    async def listen(message: Msg) -> None:
        heard.append(message)

    connection.call(connection.client.subscribe(subjects.RESULT, cb=listen))
    answer = client.ask(subjects.REQUEST, {"prompt": "a kite", "seed": 9, "width": 96, "height": 64, "model": "toy"})
    assert (answer["model"], answer["seed"], answer["width"], answer["height"]) == ("toy", 9, 96, 64)
    with Image.open(io.BytesIO(base64.b64decode(answer["image_bytes_b64"]))) as image:
        assert image.format == "PNG" and image.getpixel((0, 0)) == (9, 0, 77)
    wait_until(lambda: heard)
    assert json.loads(heard[0].data) == answer


def test_the_models_are_told(client: Client):
    info = client.ask(subjects.MODEL_INFO, b"")
    assert (info["current_model"], info["model_loaded"], info["available_models"]) == ("toy", True, ["toy", "large"])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"\x80", "The body of this request"),
        (b"[]", "The body of this request"),
        ({}, "prompt is missing."),
        ({"prompt": "a", "width": "wide"}, "width is wrong"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": "a", "model": "nope"}, "nope"),
    ],
)
def test_what_cannot_be_made_is_a_sentence(client: Client, body: object, said: str):
    assert said in client.ask(subjects.REQUEST, body)["error"]
    assert not client.model.requests


def test_a_picture_that_is_larger_than_a_message_comes_as_jpeg_and_says_so(client: Client):
    client.model.paint = lambda request: noise("RGB", request.size)
    answer = client.ask(subjects.REQUEST, {"prompt": "noise", "model": "large"})
    assert "JPEG" in answer["notes"][-1]
    with Image.open(io.BytesIO(base64.b64decode(answer["image_bytes_b64"]))) as image:
        assert (image.format, image.size) == ("JPEG", (1024, 768))


def test_the_example_of_the_documentation_runs(client: Client, one_server: NatsServer):
    (code,) = re.findall(r"```python\n([^`]*4222.*?)```", (ROOT / "docs/api.md").read_text(), re.DOTALL)
    code = code.replace("nats://127.0.0.1:4222", one_server.address)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0 and len(ran.stdout) > 10, ran.stderr
