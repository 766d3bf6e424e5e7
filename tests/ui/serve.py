"""Serves the real page over a real studio; `python -m tests.ui.serve FOLDER PORT` does so in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr

from studio.client_keys import ClientKeys
from studio.errors import BadRequest
from studio.service import Studio
from tests.patience import PATIENCE_SECONDS
from tests.ports import free_port
from tests.ui.painter import Brush, catalog
from ui import page
from ui.shared.bridge import Identify
from ui.shared.edition import EDITION


@contextmanager
def served(
    studio: Studio,
    identify: Identify,
    *,
    is_edition: str = EDITION,
    keys: ClientKeys | None = None,
    assistants: Any = None,
    host_key: str = "",
    **options: Any,
) -> Iterator[str]:
    """The address of the page while it is served; options as for `Blocks.launch`."""
    demo = page.build(studio, identify, machine="CPU")
    options = {"server_port": free_port(), "prevent_thread_lock": True, **options}
    try:
        _, address, _ = demo.launch(
            server_name="127.0.0.1",
            quiet=True,
            **options,
            **page.launch_options(
                studio, identify, is_edition=is_edition, keys=keys, assistants=assistants, host_key=host_key
            ),
        )
        yield address
    finally:
        page.close(demo)
        if demo.server:
            demo.server.thread.join(PATIENCE_SECONDS)  # which gradio does for five seconds


def everybody_by_token(request: gr.Request, token: str) -> str:
    if not token:
        raise BadRequest("Say who you are.")
    return token


def one_person(request: gr.Request, token: str) -> str:
    return "local"


def main(folder: str, port: str, seconds_per_step: str = "0.02", is_edition: str = EDITION) -> None:
    """Serve until killed."""
    studio = Studio(catalog(Brush(float(seconds_per_step))), Path(folder))
    with served(studio, one_person, server_port=int(port), prevent_thread_lock=False, is_edition=is_edition):
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
