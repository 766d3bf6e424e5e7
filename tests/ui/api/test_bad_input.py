"""Everything wrong that can be sent to Generate and to the upload of pictures, over real HTTP against the real app.

The rows are numbered as in the project's list of bad inputs (1-34 Generate, 42-54 intake). One app serves them all, in
the order of this file; its last test is that nothing of it has done any harm.
"""

from __future__ import annotations

import io
import json
import re
import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests.app_process import AppProcess
from tests.robustness import jail
from tests.studio.pictures_in import GREY, SIGNATURE, chunk, corners, exif, header, saved, with_chunks
from tests.ui.driver import Visitor

KEYS = ("HF_TOKEN", "OPENAI_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY", "REPLICATE_API_TOKEN")
CANARY = "canary-f3b1c8"
WANTED = (
    f"open, to read: {jail.ROOT / '.env'}",
    "subprocess.Popen ('nvidia-smi'",
    "subprocess.Popen ('/sbin/ldconfig'",
)
"""What the app does beside its own folders: it looks for keys, and for a card and its libraries."""
MAX_RSS_GROWTH = 100e6  # bytes
DEFAULTS = {
    "prompt": '"a red ball"',
    "model": '"toy-klein"',
    "width": "null",
    "height": "null",
    "count": "1",
    "seed": "1",
    "steps": "4",
    "guidance": "null",
    "negative_prompt": '""',
    "style": '""',
    "quality": '""',
    "transparent": "false",
    "clip_skip": "null",
    "confirm_cost": "false",
    "wait": "true",
    "token": '""',
    "precision": '""',
    "fast": "false",
    "control": '""',
    "control_strength": "null",
    "sampler": '""',
}
"""The arguments of `generate` in their order, as raw JSON."""


@dataclass
class Served:
    """The app, and what it has said and kept so far."""

    app: AppProcess
    outputs: Path
    elsewhere: Path
    http: httpx.Client
    report: Path  # of the jail
    answers: list[str] = field(default_factory=list)
    rss: int = 0  # bytes, when the first good job was done

    def generate(self, **raw: str) -> tuple[str, object]:
        """Event and data of the answer; `raw` are JSON texts, right or wrong."""
        body = '{"data": [' + ", ".join((DEFAULTS | raw).values()) + "]}"
        return self.call("generate", body.encode())

    def call(self, endpoint: str, body: bytes) -> tuple[str, object]:
        taken = self.post(f"gradio_api/call/{endpoint}", body, {"Content-Type": "application/json"})
        assert taken.status_code == 200, taken.text
        text = self.http.get(f"gradio_api/call/{endpoint}/{taken.json()['event_id']}").text
        self.answers.append(text)
        *_, last = [block for block in text.split("\n\n") if block and "heartbeat" not in block]
        event, data = re.fullmatch(r"event: (\w+)\ndata: (.*)", last, re.DOTALL).groups()  # type: ignore[union-attr]
        return event, json.loads(data)

    def picture(self, file: bytes, name: str = "picture.png") -> httpx.Response:
        return self.post(f"diorama/pictures?name={name}", file, {"X-Diorama-Token": ""})

    def add_picture(self, file: bytes) -> tuple[str, object]:
        """The same through gradio's own upload and our endpoint."""
        uploaded = self.http.post("gradio_api/upload", files={"files": ("picture.png", file)})
        assert uploaded.status_code == 200, uploaded.text
        mark = {"path": uploaded.json()[0], "meta": {"_type": "gradio.FileData"}}
        return self.call("add_picture", json.dumps({"data": [mark, "", ""]}).encode())

    def post(self, path: str, body: bytes | Iterator[bytes], headers: dict[str, str]) -> httpx.Response:
        answer = self.http.post(path, content=body, headers=headers)
        self.answers.append(answer.text)
        return answer

    def kept(self) -> tuple[list[str], int]:
        """The files that are pictures, and how many jobs were ever written down."""
        files = [str(path) for part in ("images", "thumbs", "trash") for path in (self.outputs / part).iterdir()]
        index = sqlite3.connect(f"file:{self.outputs / 'diorama.sqlite'}?mode=ro", uri=True)
        try:
            (jobs,) = index.execute("SELECT COUNT(*) FROM jobs").fetchone()
        finally:
            index.close()
        return sorted(files), jobs

    def strays(self) -> list[Path]:
        files = [path for path in self.elsewhere.rglob("*") if path.is_file()]
        return [path for path in files if not path.name.startswith("lock.sqlite")]  # says that the folder is in use

    def memory(self) -> int:
        """Bytes of memory the app holds. Source: proc(5), /proc/pid/status."""
        status = Path(f"/proc/{self.app.pid}/status").read_text()
        return 1024 * int(re.search(r"VmRSS:\s+(\d+)", status)[1])  # type: ignore[index]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The real app with keys in its environment; its temporary and cache folders are where they can be counted."""
    outputs, elsewhere = tmp_path_factory.mktemp("outputs"), tmp_path_factory.mktemp("elsewhere")
    places = dict.fromkeys(jail.CACHES, str(elsewhere))
    places |= jail.environment(
        report := tmp_path_factory.mktemp("jail") / "report", outputs, elsewhere, outputs.parent / "checkpoints"
    )
    app = AppProcess(outputs, **places, **{key: f"{CANARY}-{key}" for key in KEYS})
    one_by_one = httpx.Limits(max_keepalive_connections=0)  # a kept line may be closed in the moment it is used again
    with httpx.Client(base_url=app.url, timeout=300, limits=one_by_one) as http:
        served = Served(app, outputs, elsewhere, http, report)
        # What is imported and loaded only when it is needed is there from now on.
        event, (job,) = served.generate(prompt=json.dumps("a red ball <lora:stripes:1>"))  # type: ignore[misc]
        assert event == "complete"
        click = [job["pictures"][0]["id"], [[9, 9]], [1], None, "", "", None, "pixel", None, None, ""]
        assert served.call("segment", json.dumps({"data": click}).encode())[0] == "complete"
        served.rss = served.memory()
        yield served
    app.end()


@pytest.fixture
def untouched(served: Served) -> Iterator[Served]:
    """The app, of which a refused request must change nothing."""
    before = served.kept()
    yield served
    assert served.app.is_alive
    assert served.kept() == before
    assert served.strays() == []


def assert_sentence(text: object, *parts: str) -> None:
    """One sentence or two for a person, which name the value and say what to do."""
    assert isinstance(text, str)
    assert text.endswith(".")
    assert len(text) < 400
    assert not re.search(r"Traceback|\n|File \"|Error\b", text)
    for part in parts:
        assert part in text


# --- Generate, refused (rows 1-3, 12-34) ------------------------------------------------------------------------------

SIZES = "Choose one of: 256 x 256."
WHOLE = "must be a whole number, not"
REFUSED: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "1 empty": ({"prompt": '""'}, ("prompt is empty", "Write what you want to see")),
    "2 blanks": ({"prompt": '"  \\n\\t "'}, ("prompt is empty", "Write")),
    "2 joiners": ({"prompt": '"\\u200d\\u200b\\u2060\\ufeff"'}, ("prompt is empty", "Write")),
    "3 long": ({"prompt": f'"{"x" * 900_000}"'}, ("900,000 characters; 10,000 is the most", "Shorten")),
    "4 emoji": ({"prompt": json.dumps("😀" * 10_001)}, ("10,001 characters", "Shorten")),
    "5 control": ({"prompt": '"\\u0000\\u0001\\u001b"'}, ("prompt is empty", "Write")),
    "6 surrogate": ({"prompt": '"\\ud800"'}, ("prompt is empty", "Write")),
    "7 override": ({"prompt": '"\\u202e\\u202d"'}, ("prompt is empty", "Write")),
    "12 zero": ({"width": "0", "height": "256"}, ("0 x 256", SIZES)),
    "13 negative": ({"width": "-8", "height": "256"}, ("-8 x 256", SIZES)),
    "14 huge": ({"width": "1000000000", "height": "1000000000"}, ("1000000000 x 1000000000", SIZES)),
    "14 4,000 digits": ({"width": "9" * 4_000, "height": "256"}, ("a number that large", SIZES)),
    "15 odd": ({"width": "7", "height": "7"}, ("7 x 7", SIZES)),
    "16 NaN": ({"width": "NaN", "height": "256"}, (f"width {WHOLE} nan",)),
    "16 Infinity": ({"width": "256", "height": "Infinity"}, (f"height {WHOLE} inf",)),
    "17 text": ({"width": '"1024"', "height": '"1024"'}, (f"width {WHOLE} '1024'",)),
    "18 half": ({"width": "null", "height": "256"}, ("got only 256", "Give both")),
    "19 list": ({"width": "[128]", "height": "256"}, (f"width {WHOLE} a list",)),
    "20 thin": ({"width": "1", "height": "100000"}, ("1 x 100000", SIZES)),
    "21 no steps": ({"steps": "0"}, ("must be 4 to 20", "not 0")),
    "22 negative steps": ({"steps": "-1"}, ("must be 4 to 20", "not -1")),
    "23 many steps": ({"steps": "100000"}, ("must be 4 to 20", "not 100000")),
    "23 half a step": ({"steps": "4.5"}, (f"{WHOLE} 4.5",)),
    "24 NaN guidance": ({"guidance": "NaN"}, ("guidance must be a finite number, not nan",)),
    "25 huge guidance": ({"guidance": "1e308"}, ("must be 1 to 8", "not 1e+308")),
    "25 infinite guidance": ({"guidance": "-Infinity"}, ("guidance must be a finite number, not -inf",)),
    "26 negative seed": ({"seed": "-2"}, ("seed must be 0 to 4294967295, not -2",)),
    "27 seed of 2^64": ({"seed": str(2**64)}, ("must be 0 to 4294967295", str(2**64))),
    "28 seed of words": ({"seed": '"abc"'}, (f"seed {WHOLE} 'abc'",)),
    "29 no pictures": ({"count": "0"}, ("number of pictures must be 1 to 8, not 0",)),
    "29 a million pictures": ({"count": "1000000"}, ("must be 1 to 8, not 1000000",)),
    "29 yes pictures": ({"count": "true"}, (f"{WHOLE} yes or no",)),
    "30 unknown model": ({"model": '"dall-e"'}, ("There is no model 'dall-e'", "Choose one of: ", "toy-klein")),
    "31 path as model": ({"model": '"../../x"'}, ("There is no model '../../x'", "Choose one of")),
    "32 address as model": ({"model": '"http://169.254.169.254/x"'}, ("There is no model 'http://", "Choose one of")),
    "33 repository as model": (
        {"model": '"hakurei/waifu-diffusion"'},
        ("There is no model 'hakurei/", "Choose one of"),
    ),
    "33 model of another type": ({"model": "[1]"}, ("must be the id of a model, not a list",)),
    "34 path as style": ({"style": '"/root/lora.safetensors"'}, ("'/root/lora.safetensors'", "Choose one of: blue")),
    "34 style of another type": ({"style": "{}"}, ("must be the id of a style, not a table",)),
    "prompt of another type": ({"prompt": "null"}, ("prompt must be text, not nothing",)),
    "prompt as list": ({"prompt": '["a", "b"]'}, ("prompt must be text, not a list",)),
    "negative prompt of another type": ({"negative_prompt": "7"}, ("negative prompt must be text, not 7",)),
    "a model that cannot run here": ({"model": '"flux2-klein-4b"'}, ("needs a GPU",)),
}


@pytest.mark.parametrize(("raw", "parts"), REFUSED.values(), ids=list(REFUSED))
def test_a_wrong_order_is_refused_with_a_sentence(untouched: Served, raw: dict[str, str], parts: tuple[str, ...]):
    event, data = untouched.generate(**raw)
    assert event == "error"
    assert isinstance(data, dict)
    assert_sentence(data["error"], *parts)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"data": ["' + b"x" * 1_000_000 + b'"]}', 413),
        (b'{"data": ["\xff\xfe"]}', 400),
        (b'{"data": [', 422),
        (b"", 422),
        (b"null", 422),
        (b'{"data": ' + b"9" * 5_000 + b"}", 400),
        (b'{"data": "a red ball"}', 422),
        (b'{"prompt": "a red ball"}', 422),
    ],
    ids=["3 a megabyte", "no UTF-8", "half", "empty", "null", "5,000 digits", "no list", "no data"],
)
def test_a_body_that_is_none_is_refused(untouched: Served, body: bytes, status: int):
    answer = untouched.post("gradio_api/call/generate", body, {"Content-Type": "application/json"})
    assert answer.status_code == status
    assert "Traceback" not in answer.text
    assert len(answer.text) < 1_000


# --- Generate, odd but allowed (rows 4-11) ----------------------------------------------------------------------------

ALLOWED = {
    "4 ten thousand emoji": ("😀" * 10_000, "😀" * 10_000),
    "5 control characters": ("a \0red\x01 ball\x1b[31m", "a red ball[31m"),
    "6 lone surrogate": ("a red ball \ud800", "a red ball"),
    "7 right-to-left override": ("a \u202egnp.exe ball", "a \u202egnp.exe ball"),
    "8 HTML": ("<script>document.title='owned'</script><img src=x onerror=alert(1)>",) * 2,
    "9 Markdown": ("![x](https://evil.example/pixel.gif) [a](javascript:alert(1))",) * 2,
    "10 templates": ("${{jinja}} {{7*7}} {% raw %} #{7*7} $(id) %s {prompt} {0}",) * 2,
    "11 names of files": ("../../../etc/passwd CON NUL.txt aux.h C:\\x .png /",) * 2,
}


@pytest.mark.parametrize(("typed", "kept"), ALLOWED.values(), ids=list(ALLOWED))
def test_odd_words_make_a_picture_and_stay_words(served: Served, typed: str, kept: str):
    event, data = served.generate(prompt=json.dumps(typed))
    assert event == "complete"
    (job,) = data  # type: ignore[misc]
    assert job["state"] == "done"
    (picture,) = job["pictures"]
    assert picture["prompt"] == kept
    assert re.fullmatch(r"\d{8}-\d{6}_[a-z0-9]+(-[a-z0-9]+)*_[0-9a-f]{4,32}\.png", picture["name"])
    with Image.open(served.outputs / "images" / picture["name"]) as image:
        recipe = json.loads(image.text["diorama"])  # type: ignore[attr-defined]  # PNG images have it
    assert recipe["prompt"] == recipe["prompt_sent"] == kept
    event, found = served.call("gallery", json.dumps({"data": ["", False, "", "", "", 1, ""]}).encode())
    assert found[0]["pictures"][0]["prompt"] == kept  # type: ignore[index]
    assert served.strays() == []


# --- intake, refused (rows 43, 47-51, 53, 54) -------------------------------------------------------------------------


def blank(width: int, height: int) -> bytes:
    """A few thousand bytes that say they are a grey picture of this size; its pixels end after the first ones."""
    pixels = zlib.compress(bytes(1_000_000), 9)
    return SIGNATURE + header(width, height, 8, GREY) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


FRAMES = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
PNG = saved(corners(), "PNG")
XXE = b'<?xml version="1.0"?>\n<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>'
NO_PICTURES: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "43 GIF": (saved(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]), ("a GIF", "Save it as PNG")),
    "43 APNG": (saved(FRAMES[0], "PNG", save_all=True, append_images=FRAMES[1:]), ("animated",)),
    "43 WebP": (saved(FRAMES[0], "WEBP", save_all=True, append_images=FRAMES[1:]), ("animated",)),
    "47 cut PNG": (PNG[:-40], ("cut off",)),
    "47 cut JPEG": (saved(corners(), "JPEG")[:-40], ("cut off",)),
    "47 cut WebP": (saved(corners(), "WEBP")[:-40], ("cut off",)),
    "48 vast": (blank(100_000, 100_000), ("100000 x 100000", "Make it smaller")),
    "49 bomb": (blank(13_000, 13_000), ("13000 x 13000", "169 megapixels; 40 is the most", "Make it smaller")),
    "50 TIFF": (saved(corners(), "TIFF"), ("a TIFF picture", "Save it as PNG")),
    "50 PSD": (b"8BPS\0\1" + bytes(20), ("a Photoshop file", "Save it as PNG")),
    "50 EPS": (saved(corners(), "EPS"), ("an EPS drawing", "Save it as PNG")),
    "50 HEIC": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", ("a HEIC picture", "Save it as PNG")),
    "50 AVIF": (b"\0\0\0\x1cftypavif\0\0\0\0mif1avifmiaf", ("an AVIF picture", "Save it as PNG")),
    "51 SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', ("an SVG drawing",)),
    "51 entity": (XXE, ("an SVG drawing", "Save it as PNG")),
    "53 nothing": (b"", ("empty", "Choose a picture")),
    "54 data address": (b"data:image/png;base64,iVBORw0KGgo=", ("a text file", "Choose a PNG")),
    "text": (b"dear diary, this is no picture", ("a text file", "Choose a PNG")),
}


@pytest.mark.parametrize(("file", "parts"), NO_PICTURES.values(), ids=list(NO_PICTURES))
def test_a_wrong_file_is_refused_with_a_sentence(untouched: Served, file: bytes, parts: tuple[str, ...]):
    answer = untouched.picture(file)
    assert answer.status_code == 400
    assert_sentence(answer.json()["error"], *parts)
    event, data = untouched.add_picture(file)
    assert event == "error"
    assert data["error"] == answer.json()["error"]  # type: ignore[index]  # both doors say the same


def test_54_a_file_of_107_megabytes_is_refused(untouched: Served):
    answer = untouched.post("diorama/pictures?name=x.png", megabytes(107), {"X-Diorama-Token": ""})
    assert answer.status_code == 413
    assert_sentence(answer.json()["error"], "100 MB", "JPEG")


def test_54_a_data_address_of_107_megabytes_is_refused(untouched: Served):
    body = megabytes(107, b'{"data": [{"path": "data:image/png;base64,')
    answer = untouched.post("gradio_api/call/add_picture", body, {"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert_sentence(answer.json()["error"], "1,000,000 bytes")


def megabytes(count: int, start: bytes = b"") -> Iterator[bytes]:
    """A body whose length nobody knows before."""
    yield start
    for _ in range(count):
        yield b"A" * 1_000_000


@pytest.mark.parametrize("name", ["x" * 5_000, "%00", "..%5C..%5Cx.png", "../../../x.png", "%F0%9F%98%80", "x.", "%ff"])
def test_80_a_file_name_is_only_a_title(served: Served, name: str):
    answer = served.picture(saved(Image.new("RGB", (4, 4), (len(name) % 256, ord(name[-1]), 9)), "PNG"), name)
    assert answer.status_code == 200
    assert served.strays() == []
    newest = max((served.outputs / "images").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert re.fullmatch(r"\d{8}-\d{6}_[a-z0-9]+(-[a-z0-9]+)*_[0-9a-f]{4,32}\.png", newest.name)


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1.evil.example", "192.168.1.5:7860"])
def test_77_another_name_for_this_machine_is_refused(untouched: Served, name: str):
    for path in ("", "config", "diorama/edition"):
        answer = untouched.http.get(path, headers={"Host": name})
        assert answer.status_code == 400
        assert_sentence(answer.json()["error"], "--allow-host")


def test_nobody_without_the_header_adds_a_picture(untouched: Served):
    answer = untouched.post("diorama/pictures?name=x.png", PNG, {})
    assert answer.status_code == 401
    assert_sentence(answer.json()["error"], "X-Diorama-Token")


# --- intake, odd but allowed (rows 42, 44-46, 52) ---------------------------------------------------------------------

BOMB = zlib.compress(bytes(50_000_000), 9)
TURNED = corners().transpose(Image.Transpose.ROTATE_90)
HTML = b"<html><script>alert(1)</script></html>"
ODD_PICTURES = {
    "42 RGBA": (saved(Image.new("RGBA", (48, 32), (9, 9, 9, 99)), "PNG"), "RGBA"),
    "42 16 bits": (saved(Image.new("I;16", (48, 32), 40_000), "PNG"), "RGB"),
    "42 CMYK": (saved(corners().convert("CMYK"), "JPEG"), "RGB"),
    "42 palette": (saved(corners().convert("P"), "PNG"), "RGB"),
    "42 one bit": (saved(corners().convert("1"), "PNG"), "RGB"),
    "44 turned": (saved(TURNED, "JPEG", exif=exif(6)), "RGB"),
    "44 EXIF of 10 MB": (with_chunks(PNG, chunk(b"eXIf", exif(1)[6:] + bytes(10_000_000))), "RGB"),
    "45 profile bomb": (with_chunks(PNG, chunk(b"iCCP", b"profile\0\0" + BOMB)), "RGB"),
    "46 text bomb": (with_chunks(PNG, chunk(b"zTXt", b"parameters\0\0" + BOMB)), "RGB"),
    "52 page and picture": (with_chunks(PNG, chunk(b"tEXt", b"Comment\0" + HTML)) + HTML, "RGB"),
    "recipe of markup": (with_chunks(PNG, chunk(b"tEXt", b"parameters\0" + HTML + b"\nSteps: 9, Seed: 1")), "RGB"),
    "recipe without end": (with_chunks(PNG, chunk(b"tEXt", b"prompt\0" + b"[" * 900_000)), "RGB"),
    "recipe of numbers": (with_chunks(PNG, chunk(b"iTXt", b'diorama\0\0\0\0\0{"seed": NaN, "steps": 1e999}')), "RGB"),
}


@pytest.mark.parametrize(("file", "mode"), ODD_PICTURES.values(), ids=list(ODD_PICTURES))
def test_an_odd_picture_comes_in_plain_and_carries_nothing_along(served: Served, file: bytes, mode: str):
    answer = served.picture(file)
    assert answer.status_code == 200, answer.text
    picture = answer.json()["picture"]
    kept = served.http.get(picture["file"])
    assert kept.headers["content-type"] == "image/png"
    assert kept.headers["x-content-type-options"] == "nosniff"
    assert len(kept.content) < 100_000
    with Image.open(io.BytesIO(kept.content)) as image:
        image.load()
        assert (image.mode, image.size) == (mode, (48, 32))
        assert not image.getexif()
    assert served.http.get(picture["thumb"]).status_code == 200
    event, data = served.call("settings", json.dumps({"data": [picture["id"], ""]}).encode())
    assert event == "complete"
    assert data[0]["notes"] == answer.json()["notes"]  # type: ignore[index]
    assert served.strays() == []


# --- after all of it --------------------------------------------------------------------------------------------------


def test_nothing_of_it_was_a_surprise_to_the_app(served: Served):
    assert "Traceback" not in served.app.told


@pytest.mark.parametrize(
    "values", [{"lora": "/root/lora.safetensors"}, {"prompt": "x", "request": {}}, {"prompt": "x", "owner": "me"}]
)
def test_an_argument_that_does_not_exist_is_refused(untouched: Served, values: dict):
    body = json.dumps(values).encode()
    answer = untouched.post("gradio_api/call/v2/generate", body, {"Content-Type": "application/json"})
    assert answer.status_code >= 400
    assert_sentence(answer.json()["error"], "view_api()")


def test_the_page_shows_all_of_it_as_words(served: Served, chrome: Browser):
    with Visitor.arrives(chrome, served.app.url) as visitor:
        dialogs: list[str] = []
        visitor.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        for _typed, kept in [*ALLOWED.values()][4:6]:
            visitor.page.get_by_role("button", name=kept).or_(visitor.page.get_by_alt_text(kept)).first.wait_for()
        assert dialogs == []
        assert visitor.page.title() == "Diorama"
        visitor.assert_nothing_went_wrong()


def test_keys_are_nowhere(served: Served):
    told = [served.http.get(path).text for path in ("", "config", "gradio_api/info", "gradio_api/openapi.json")]
    kept = [path.read_bytes() for path in (*served.outputs.rglob("*"), *served.elsewhere.rglob("*")) if path.is_file()]
    assert all(len(text) > 1_000 for text in told)
    assert any(b"a red ball" in data for data in kept)
    assert not [text for text in (*told, *served.answers, served.app.told) if CANARY in text]
    assert not [data for data in kept if CANARY.encode() in data]


def test_nothing_was_opened_changed_or_started_elsewhere(served: Served):
    assert [line for line in served.report.read_text().splitlines() if not line.startswith(WANTED)] == []


def test_the_next_good_job_succeeds_and_the_memory_is_back(served: Served):
    event, data = served.generate(seed="9")
    assert event == "complete"
    assert data[0]["state"] == "done"  # type: ignore[index]
    assert served.app.is_alive
    assert not any("Traceback" in answer for answer in served.answers)
    assert served.memory() - served.rss < MAX_RSS_GROWTH
