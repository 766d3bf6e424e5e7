"""Sends all bad input that the tests know to an app in this process, which a jail watches: run by `test_jail.py`."""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path

import httpx

from studio.splats.export import EXPORTS
from tests.robustness.jail import install
from tests.robustness.site import ADA, Site, opened
from tests.robustness.test_rows import PATHS, SETTINGS
from tests.studio.pictures_in import corners, saved
from tests.studio.turning_fake import disc_png
from tests.ui.api import test_bad_input, test_bad_iterate, test_bad_splat, test_segment
from ui import page

WORDS = ("../../../etc/passwd", "/etc/passwd", "\0", "CON", "~/.ssh/id_rsa", "file:///etc/passwd", "{outputs}/x")
JSON = {"Content-Type": "application/json"}


class Sender:
    """Counts what it has sent; nothing of it may end in an error of the app."""

    def __init__(self, site: Site, http: httpx.Client) -> None:
        self.site, self.http, self.sent = site, http, 0

    def post(self, path: str, content: bytes | str, **options: dict) -> httpx.Response:
        self.sent += 1
        answer = self.http.post(path, content=content, **options)  # pyright: ignore[reportArgumentType]
        if answer.status_code >= 500:
            sys.exit(f"{path} was answered with {answer.status_code}: {answer.text[:300]}")
        return answer

    def call(self, endpoint: str, **values: object) -> None:
        answer = self.post(f"gradio_api/call/v2/{endpoint}", json.dumps({"token": ADA} | values), headers=JSON)
        if answer.is_success:
            self.site.end(self.http, endpoint, answer.json()["event_id"])

    def files(self) -> None:
        """Pictures and splats, under names that are paths."""
        bad = (*test_bad_input.NO_PICTURES.values(), *test_bad_input.ODD_PICTURES.values())
        for word, (file, _) in zip(itertools.cycle(WORDS), bad, strict=False):
            self.post("diorama/pictures", file, params={"name": word})
            path = self.http.post("gradio_api/upload", files={"files": ("x.png", file[:100_000])}).json()[0]
            self.call("add_picture", file={"path": path, "meta": {"_type": "gradio.FileData"}}, name=word)
        for word, file in zip(itertools.cycle(WORDS), test_bad_splat.FILES.values(), strict=False):
            self.post("diorama/splats", file, params={"name": word})

    def requests(self, picture: str, disc: str) -> None:
        """What the tests of each tab send."""
        for raw, _ in test_bad_input.REFUSED.values():
            body = '{"data": [' + ", ".join((test_bad_input.DEFAULTS | {"token": f'"{ADA}"'} | raw).values()) + "]}"
            self.post("gradio_api/call/generate", body, headers=JSON)
        for typed, _ in test_bad_input.ALLOWED.values():
            self.call("generate", prompt=typed)
        for values, _ in test_bad_iterate.BAD:
            self.post("diorama/iterate", json.dumps({"source": picture, "instruction": "x"} | values))
        for values, _ in test_segment.BAD:
            self.post("diorama/segment", json.dumps({"picture": picture} | values))
        for path, values, _ in test_bad_splat.REQUESTS:
            self.post(f"diorama/{path}", json.dumps({"object": disc} | values))

    def words(self) -> None:
        """Paths and addresses in the place of words, names and ids, wherever there is one."""
        said = [word.format(outputs=self.site.outputs) for word in (*WORDS, *PATHS)]
        names = ("id", "ids", "after", "query", "model", "kind", "title", "name", "source", "object", "picture")
        for number, path in enumerate([*page.QUESTIONS] * 2):
            word = said[number % len(said)]
            self.post(f"diorama/{path}", json.dumps(dict.fromkeys(names, word) | {"wait": 0, "ids": [word]}))
        endpoints = self.http.get("gradio_api/info").json()["named_endpoints"]
        for number, (name, endpoint) in enumerate(endpoints.items()):
            texts = [one["parameter_name"] for one in endpoint["parameters"] if one["type"].get("type") == "string"]
            for word in said[number % 7 :: 7]:
                self.call(name.strip("/"), **dict.fromkeys(texts, word) | {"token": ADA})
        for word in said:
            self.call("generate", prompt=f"a {word} __{word}__ <lora:{word}:1> ball", style=word)
            self.http.get("diorama/zip", params={"ids": word})

    def good(self, disc: str) -> None:
        """What right requests open has to be allowed, too."""
        self.call("generate", prompt="a good one")
        self.call("splat", object_id=disc)
        shown = self.site.studio.gallery(ADA, limit=200).assets
        for asset in shown:
            self.site.studio.rename(ADA, asset.id, "../../../etc/passwd")
            for route in ("picture", "thumb"):
                self.http.get(f"diorama/{route}/{asset.id}", params={"download": 1})
        splat = next(asset for asset in shown if asset.kind == "splat")
        for format in {*EXPORTS} - {"mp4"}:  # seconds of work
            self.http.get(f"diorama/splat/{splat.id}", params={"format": format}).raise_for_status()
        self.http.get("diorama/zip", params={"ids": ",".join(asset.id for asset in shown)}).raise_for_status()
        self.site.studio.rebuild()


def main(outputs: Path) -> None:
    """Send everything; prints how much that was."""
    install()
    with opened(outputs) as site, site.visitor() as http:
        sender = Sender(site, http)
        picture = site.studio.take_in(ADA, saved(corners(), "JPEG"), "x.jpg").id
        disc = site.studio.take_in(ADA, disc_png(), "disc.png").id
        sender.files()
        sender.requests(picture, disc)
        for name, text in SETTINGS.values():
            sender.post("diorama/pictures", test_bad_input.with_chunks(test_bad_input.PNG, text_chunk(name, text)))
        sender.words()
        sender.good(disc)
    print(sender.sent, flush=True)
    Path("/etc/hostname").exists()
    with open("/etc/hostname", "rb"):  # the jail has to see this
        pass


def text_chunk(name: str, text: str) -> bytes:
    return test_bad_input.chunk(b"tEXt", name.encode() + b"\0" + text.encode("latin-1", "replace"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
