"""The device API of ZeroGPU on this machine: what the package `spaces` asks for before and after a lease."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from tests.json_server import JsonHandler, JsonServer


class _Answers(JsonHandler):
    server: Scheduler

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        self.server.asked.append((path, dict(parse_qsl(urlsplit(self.path).query))))
        if path == "/schedule" and self.server.refusals:
            self.server.refusals -= 1
            return self.answer({"left": 3, "wait": 3_600}, 429)
        number = len(self.server.of("/schedule"))
        lease = {"idle": number > 1, "nvidiaIndex": 0, "nvidiaUUID": "GPU-x", "allowToken": f"lease-{number}"}
        return self.answer(lease if path == "/schedule" else {})


class Scheduler(JsonServer):
    """Lends the one card to whoever asks; after `refusals` were promised, says so often that the quota is used up."""

    handler = _Answers

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.refusals = 0

    def of(self, path: str) -> list[dict[str, str]]:
        """The queries that were sent to one path."""
        return [query for sent, query in self.asked if sent == path]
