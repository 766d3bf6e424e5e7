"""Starts gradio's server however busy the machine is.

Gradio itself gives up if its server takes five seconds to start, or three to show the page to itself.
"""

from __future__ import annotations

import threading

from gradio.exceptions import ServerFailedToStartError
from gradio.http_server import Server

WITHOUT_LOOKING = {"_frontend": False}
"""For `Blocks.launch`: serve without having asked for the page first."""
_LOOK_SECONDS = 0.005


def be_patient() -> None:
    """Wait for every server of this process until it serves, or ends as it cannot."""
    Server.run_in_thread = _run_in_thread


def _run_in_thread(self: Server) -> None:
    self.thread = threading.Thread(target=self.run, daemon=True)
    if self.reloader:  # in a Space
        self.watch_thread = threading.Thread(target=self.watch, daemon=True)
        self.watch_thread.start()
    self.thread.start()
    while not self.started:
        self.thread.join(_LOOK_SECONDS)
        if not self.thread.is_alive():
            raise ServerFailedToStartError("The server ended before it served; its log says why.")
