"""The real page, the real studio and the painter in a process of their own: `python -m tests.ui.serve FOLDER PORT`."""

from __future__ import annotations

import sys
from pathlib import Path

import gradio as gr

from studio.service import Studio
from tests.ui.painter import Brush, catalog
from ui import page


def main(folder: str, port: str, seconds_per_step: str = "0.02") -> None:
    """Serve until killed."""
    studio = Studio(catalog(Brush(float(seconds_per_step))), Path(folder))
    demo = page.build(studio, identify, machine="CPU")
    options = page.launch_options(studio, identify)
    demo.launch(server_name="127.0.0.1", server_port=int(port), quiet=True, **options)


def identify(request: gr.Request, token: str) -> str:
    return "local"


if __name__ == "__main__":
    main(*sys.argv[1:])
