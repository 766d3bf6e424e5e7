"""Start here: choose the models, build the page, open it.

`python app.py` serves the page on 127.0.0.1 for one person. Anything wider needs `--auth name:password`, or an explicit
`--open`, which gives every visitor a place of their own. On a Hugging Face Space it is open by itself.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import signal
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines import catalog
from pipelines.machine import Machine, inspect
from providers import catalog as clouds
from providers.keys import Keys, read_env
from studio.contract import Task
from studio.errors import BadRequest, StudioError
from studio.service import Studio
from studio.spending import read_cap

if TYPE_CHECKING:
    import gradio as gr

HOME = Path(__file__).resolve().parent
OUTPUTS = HOME / "outputs"
LOCAL_OWNER = "local"
SMALLEST_TOKEN = 16  # characters of a visitor's token: shorter ones could be guessed

Identify = Callable[["gr.Request", str], str]
"""Who is asking: the request and the token their browser keeps, to an opaque owner."""


def main(arguments: list[str] | None = None) -> int:
    """Serve the page until Ctrl+C. Returns the exit status."""
    options = parse(arguments)
    prepare_environment()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in ("httpx", "httpx2"):
        logging.getLogger(name).setLevel(logging.WARNING)
    machine = inspect()
    try:
        # Where anyone may come in, nobody else's pictures are paid for with the host's keys.
        studio = open_studio(options.outputs, machine, find_keys(lend=not options.open))
    except StudioError as error:
        print(f"Diorama cannot start: {error}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _interrupt)  # how systemd, Docker and Spaces say Ctrl+C
    try:
        serve(studio, options, machine)
    finally:
        studio.close()
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line; refuses to serve others without a word on who they may be."""
    parser = argparse.ArgumentParser(prog="python app.py", description="Diorama: words to pictures, objects and 3D.")
    parser.add_argument("--port", type=int, default=None, help="port to serve on (default: 7860)")
    parser.add_argument(
        "--listen", metavar="ADDRESS", nargs="?", const="0.0.0.0", help="serve this network, not only 127.0.0.1"
    )
    parser.add_argument("--share", action="store_true", help="make a public link through Gradio's tunnel")
    parser.add_argument("--auth", metavar="NAME:PASSWORD", help="ask for this name and password")
    parser.add_argument(
        "--open", action="store_true", help="let anyone in who can reach the page; each sees only their own"
    )
    parser.add_argument("--outputs", type=Path, default=OUTPUTS, help="where pictures are kept (default: outputs)")
    options = parser.parse_args(arguments)
    if options.auth is not None and not all(options.auth.partition(":")[::2]):
        parser.error(f"--auth wants NAME:PASSWORD, got '{options.auth.partition(':')[0]}' with a part missing")
    if os.environ.get("SPACE_ID"):
        options.open, options.listen = True, options.listen or "0.0.0.0"
    if not (is_local(options) or options.auth or options.open):
        parser.error("others could reach this page: add --auth NAME:PASSWORD, or --open to let anyone in")
    return options


def is_local(options: argparse.Namespace) -> bool:
    """Only this machine can reach the page."""
    return not options.share and options.listen in (None, "127.0.0.1", "localhost")


def prepare_environment() -> None:
    """Settings of libraries that read them when they are loaded; the shell's win, then those in .env, then ours."""
    for folder in (Path.cwd(), HOME):
        for name, value in read_env(folder / ".env").items():
            if value:  # an empty line of .env.example says nothing
                os.environ.setdefault(name, value)
    defaults = {
        # A thread that waits must not spin: with 2 cores and anything else running, spinning barriers
        # made a picture take 17 s instead of 0.5 s (measured, 2 x EPYC 9005 cores beside a training run).
        "OMP_WAIT_POLICY": "PASSIVE",
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


def find_keys(*, lend: bool = True) -> Keys:
    """The keys of this machine, with the lines that are added to .env while the app runs.

    Args:
        lend: whether they pay for everybody who may use the page.
    """
    return Keys(files=(HOME / ".env", Path.cwd() / ".env"), lend=lend)


def open_studio(outputs: Path, machine: Machine | None = None, keys: Keys | None = None) -> Studio:
    """The studio of this machine: every model it knows, those in the clouds last, and the folder it keeps things in.

    Args:
        machine: what is known of it; None looks at it.
        keys: of the clouds; None takes those of this machine.

    Raises:
        BadRequest: DIORAMA_DAILY_CAP_USD is no amount.
        StorageFailed, OutputsInUse: the folder cannot be used.
    """
    machine = machine or inspect()
    keys = keys or find_keys()
    if machine.gpu and len(machine.gpus) > 1:  # the one that readiness was judged by
        os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", str(machine.gpu.index))
    memory_gb = machine.gpu.total_gb if machine.gpu else machine.ram_gb / 2
    connection = clouds.Connection.of(os.environ)
    models = (*catalog.models(machine), *clouds.models(keys, connection))
    return Studio(
        models,
        outputs,
        memory_gb=memory_gb,
        clouds=clouds.desk(keys, connection),
        daily_cap_usd=read_cap(os.environ.get("DIORAMA_DAILY_CAP_USD", "")),
    )


def serve(studio: Studio, options: argparse.Namespace, machine: Machine) -> None:
    """Build the page, open it, and load the first model behind it."""
    from ui import page  # gradio takes seconds to import: not before it is needed

    identify = identify_by(options)
    demo = page.build(studio, identify, machine=chips(machine))
    _, url, public_url = demo.launch(
        server_name=options.listen or "127.0.0.1",
        server_port=options.port,
        share=options.share,
        auth=tuple(options.auth.split(":", 1)) if options.auth else None,
        prevent_thread_lock=True,
        quiet=True,
        **page.launch_options(studio, identify, local_only=is_local(options)),
    )
    print(f"Diorama is at {public_url or url} (Ctrl+C ends it)", flush=True)
    ready = [model for model in studio.models(Task.GENERATE) if model.readiness().ok]
    if ready:
        studio.warm(ready[0].id)
    demo.block_thread()


def chips(machine: Machine) -> str:
    """What models run on here, in a word or two."""
    return machine.gpu.name if machine.gpu else "CPU"


def identify_by(options: argparse.Namespace) -> Identify:
    """Who owns what: one person locally, one per user name with a password, one per browser otherwise."""
    if options.auth:
        return lambda request, _token: f"user-{request.username}"
    if options.open:
        return lambda _request, token: visitor(token)
    return lambda _request, _token: LOCAL_OWNER


def visitor(token: str) -> str:
    """The owner behind a browser's secret token: a one-way hash, fit to be stored in files that are passed on."""
    if not isinstance(token, str) or len(token) < SMALLEST_TOKEN:
        raise BadRequest(
            "This page does not know your browser yet: reload it (API: pass a token of 16 characters or more)."
        )
    return hashlib.sha256(token.encode()).hexdigest()[:32]


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


@cache
def _demo() -> gr.Blocks:
    from ui import page  # as in `serve`

    prepare_environment()
    machine = inspect()
    options = parse([])
    studio = open_studio(OUTPUTS, machine, find_keys(lend=not options.open))
    identify = identify_by(options)
    demo = page.build(studio, identify, machine=chips(machine))
    demo.launch = partial(demo.launch, **page.launch_options(studio, identify))
    return demo


def __getattr__(name: str) -> Any:
    """`from app import demo` builds the page when it is asked for, for tools that look for it (`gradio app.py`)."""
    if name == "demo":
        return _demo()
    raise AttributeError(f"module 'app' has no attribute '{name}'")


if __name__ == "__main__":
    sys.exit(main())
