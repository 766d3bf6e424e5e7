"""Pictures through the endpoints: put in, asked how they were made, made again; by `gradio_client` and by hand."""

from __future__ import annotations

import http.server
import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.app_process import AppProcess
from tests.patience import PATIENCE_SECONDS

PROMPT = "a red ball on a grey background"
MARK = {"_type": "gradio.FileData"}


class Served(NamedTuple):
    url: str
    client: Client
    cache: Path

    def ask(self, endpoint: str, **values: object) -> dict:
        return self.client.predict(**values, api_name=endpoint)

    def call(self, endpoint: str, *values: object) -> str:
        """What plain HTTP answers, event and data."""
        with httpx.Client(base_url=self.url, timeout=PATIENCE_SECONDS) as http:
            event = http.post(f"gradio_api/call/{endpoint}", json={"data": values}).json()["event_id"]
            return http.get(f"gradio_api/call/{endpoint}/{event}").text

    def cached(self) -> list[Path]:
        """What lies in the temporary folder beside the lock that says whose it is."""
        files = (path for path in self.cache.rglob("*") if path.is_file())
        return [path for path in files if not path.name.startswith("lock.sqlite")]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    cache = tmp_path_factory.mktemp("cache")
    app = AppProcess(tmp_path_factory.mktemp("outputs"), GRADIO_TEMP_DIR=str(cache))
    client = Client(app.url, verbose=False, download_files=False)
    yield Served(app.url, client, cache)
    client.close()
    app.end()


class SecretServer:
    """Something on this machine that no visitor may reach; counts who comes."""

    def __init__(self) -> None:
        self.visits = 0
        self._server = http.server.HTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/secret.png"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        secret = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                secret.visits += 1
                self.send_error(404)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def secret_server() -> Iterator[SecretServer]:
    server = SecretServer()
    yield server
    server.close()


def upload(image: Image.Image, path: Path, **options: object) -> object:
    image.save(path, **options)
    return handle_file(path)


def test_a_picture_comes_in_without_a_copy_left_behind_and_is_found_as_an_upload(served: Served, tmp_path: Path):
    added = served.ask("/add_picture", file=upload(Image.new("RGB", (40, 30), "teal"), tmp_path / "holiday.jpg"))
    picture = added["picture"]
    assert (picture["kind"], picture["prompt"], picture["width"], picture["height"]) == ("upload", "holiday", 40, 30)
    assert served.cached() == []
    answer = httpx.get(picture["url"])
    with Image.open(io.BytesIO(answer.content)) as image:
        assert (image.format, image.size) == ("PNG", (40, 30))
    uploads = served.ask("/gallery", kind="upload")["pictures"]
    assert picture["id"] in {one["id"] for one in uploads}
    assert picture["id"] not in {one["id"] for one in served.ask("/gallery", kind="image")["pictures"]}


def test_a_name_of_ones_own_is_its_title(served: Served, tmp_path: Path):
    file = upload(Image.new("RGB", (8, 8), "navy"), tmp_path / "x.png")
    assert served.ask("/add_picture", file=file, name="My boat")["picture"]["prompt"] == "My boat"


def test_the_same_file_twice_is_one_picture(served: Served, tmp_path: Path):
    image = Image.new("RGB", (9, 9), "plum")
    first, second = (served.ask("/add_picture", file=upload(image, tmp_path / name)) for name in ("a.png", "b.png"))
    assert first["picture"]["id"] == second["picture"]["id"]
    assert served.cached() == []


def test_the_settings_of_a_picture_make_the_same_picture_again(served: Served):
    made = served.ask("/generate", prompt=PROMPT, seed=5, count=2, steps=5)
    second = made["pictures"][1]
    settings = served.ask("/settings", picture_id=second["id"])
    assert settings["notes"] == []
    assert settings["request"]["seed"] == 6
    again = served.ask("/generate", **settings["request"])["pictures"]
    assert len(again) == 1
    assert pixels(served, again[0]) == pixels(served, second)


def pixels(served: Served, picture: dict) -> bytes:
    with Image.open(io.BytesIO(httpx.get(picture["url"]).content)) as image:
        return image.tobytes()


def test_a_picture_of_another_tool_says_how_it_was_made_and_what_cannot_be_kept(served: Served, tmp_path: Path):
    text = PngInfo()
    text.add_text(
        "parameters", "a castle\nSteps: 500, Sampler: Euler a, CFG scale: 3, Seed: 7, Size: 512x512, Model: juggernaut"
    )
    file = upload(Image.new("RGB", (16, 16), "olive"), tmp_path / "a1111.png", pnginfo=text)
    added = served.ask("/add_picture", file=file)
    settings = served.ask("/settings", picture_id=added["picture"]["id"])
    assert added["notes"] == settings["notes"]
    request = settings["request"]
    assert (request["prompt"], request["seed"], request["steps"]) == ("a castle", 7, 20)
    assert any("juggernaut" in note for note in settings["notes"])
    assert any("500" in note for note in settings["notes"])


def test_a_picture_that_says_nothing_has_no_request(served: Served, tmp_path: Path):
    added = served.ask("/add_picture", file=upload(Image.new("RGB", (5, 5), "gold"), tmp_path / "g.webp"))
    settings = served.ask("/settings", picture_id=added["picture"]["id"])
    assert settings["request"] is None
    assert len(settings["notes"]) == 1


def test_what_is_no_picture_is_one_sentence_and_leaves_no_copy(served: Served, tmp_path: Path):
    (tmp_path / "notes.png").write_text("dear diary, this is no picture")
    with pytest.raises(AppError, match="text file, not a picture"):
        served.ask("/add_picture", file=handle_file(tmp_path / "notes.png"))
    assert served.cached() == []


@pytest.mark.parametrize(
    "file",
    [
        "/etc/passwd",
        {"path": "/etc/passwd"},
        {"path": "/etc/passwd", "meta": MARK},
        {"path": str(Path(__file__)), "meta": MARK},
        {"path": "app.py", "meta": MARK},
        {"path": "../../etc/passwd", "meta": MARK},
        {"path": "", "meta": MARK},
        {"path": "a\0b", "meta": MARK},
        [{"path": "/etc/passwd"}],
        {"orig_name": "/etc/passwd", "meta": MARK},
        None,
        5,
        "data:image/png;base64,iVBORw0KGgo=",
    ],
    ids=lambda file: json.dumps(file)[:50],
)
def test_only_an_upload_is_read(served: Served, file: object):
    answer = httpx.post(f"{served.url}gradio_api/call/add_picture", json={"data": [file, "", ""]})
    if file is None:
        assert "must be an upload" in served.call("add_picture", file, "", "")
        return
    assert answer.status_code == 422
    assert "must be an upload" in answer.json()["error"]
    assert "root:" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("field", ["path", "url"])
def test_no_address_is_asked_for_a_visitor(served: Served, field: str, secret_server: SecretServer):
    file = {"path": "x.png", field: secret_server.url, "meta": MARK}
    answer = httpx.post(f"{served.url}gradio_api/call/add_picture", json={"data": [file, "", ""]})
    assert answer.status_code == 422
    assert "fetches nothing" in answer.json()["error"]
    assert secret_server.visits == 0


@pytest.mark.parametrize("picture_id", [None, 5, {"a": 1}, "", "0" * 32, "../../x", "x' OR 1=1 --"])
def test_settings_of_a_picture_that_is_not_there_are_not_found(served: Served, picture_id: object):
    with pytest.raises(AppError, match="There is no picture"):
        served.ask("/settings", picture_id=picture_id)


@pytest.mark.parametrize("name", [None, 5, ["x"]])
def test_a_name_that_is_no_text_is_one_sentence(served: Served, tmp_path: Path, name: object):
    file = upload(Image.new("RGB", (6, 6), "pink"), tmp_path / "p.png")
    with pytest.raises(AppError, match="name must be text"):
        served.ask("/add_picture", file=file, name=name)


def test_a_kind_that_is_no_text_is_one_sentence(served: Served):
    with pytest.raises(AppError, match="must be text"):
        served.ask("/gallery", kind=5)
    assert served.ask("/gallery", kind="nonsense")["pictures"] == []
