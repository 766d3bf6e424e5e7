"""Start here: choose the models, build the page, open it.

`python app.py` serves the page on 127.0.0.1 for one person. Anything wider needs `--auth name:password`, or an explicit
`--open`, which gives every visitor a place of their own. On a Hugging Face Space it is open by itself.
"""

from __future__ import annotations

import terminal

if __name__ == "__main__":
    terminal.prepare()

import argparse
import hashlib
import logging
import os
import re
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import addresses
from environment import HOME, prepare_environment
from pipelines import catalog
from pipelines.machine import Machine, inspect
from providers import catalog as clouds
from providers.keys import Keys
from studio.contract import Task
from studio.errors import BadRequest, StudioError
from studio.service import Studio
from studio.spending import read_cap
from temporary import temporary_folder

if TYPE_CHECKING:
    import gradio as gr

OUTPUTS = HOME / "outputs"
LOCAL_OWNER = "local"
SMALLEST_TOKEN = 16  # characters of a visitor's token: shorter ones could be guessed

Identify = Callable[["gr.Request", str], str]
"""Who is asking: the request and the token their browser keeps, to an opaque owner."""


def main(arguments: list[str] | None = None) -> int:
    """Serve the page until Ctrl+C. Returns the exit status."""
    options = parse(arguments)
    prepare_environment(options.listen)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in ("httpx", "httpx2"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        options.port = addresses.free_port(options.listen, options.port)
        machine = inspect()
        with temporary_folder():
            # Where anyone may come in, nobody else's pictures are paid for with the host's keys.
            studio = open_studio(options.outputs, machine, find_keys(lend=not options.open))
            try:
                serve(studio, options, machine)
            finally:
                studio.close()
    except StudioError as error:
        print(f"Diorama cannot start: {error}", file=sys.stderr)
        return 2
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line; refuses to serve others without a word on who they may be."""
    parser = _Parser(prog="python app.py", description="Diorama: words to pictures, objects and 3D.")
    parser.add_argument(
        "--port",
        type=_port,
        default=os.environ.get("GRADIO_SERVER_PORT"),
        help=f"port to serve on, 0 for any (default: {addresses.PORT}, or the next one that is free)",
    )
    parser.add_argument(
        "--listen",
        metavar="ADDRESS",
        nargs="?",
        const="0.0.0.0",
        default="",
        help="serve this network, not only 127.0.0.1",
    )
    parser.add_argument("--share", action="store_true", help="make a public link through Gradio's tunnel")
    parser.add_argument(
        "--auth",
        metavar="NAME:PASSWORD",
        action="append",
        default=[],
        help="ask for this name and password; may be given several times, for several people",
    )
    parser.add_argument(
        "--open", action="store_true", help="let anyone in who can reach the page; each sees only their own"
    )
    parser.add_argument(
        "--allow-host",
        metavar="NAME",
        type=_host,
        action="append",
        default=[],
        help="a name that a reverse proxy on this machine serves the page under, such as pictures.example.org",
    )
    parser.add_argument(
        "--root-path",
        metavar="PATH",
        type=_root_path,
        default=os.environ.get("GRADIO_ROOT_PATH", ""),
        help="the path that a reverse proxy serves the page below, such as /diorama",
    )
    parser.add_argument("--outputs", type=Path, default=OUTPUTS, help="where pictures are kept (default: outputs)")
    options = parser.parse_args(arguments)
    if os.environ.get("SPACE_ID"):
        options.open, options.listen = True, options.listen or "0.0.0.0"
    options.listen = options.listen.removeprefix("[").removesuffix("]")
    if options.listen in ("", "localhost"):
        options.listen = "127.0.0.1"
    wrong = _wrong_names(options.auth)
    if wrong:
        parser.error(wrong)
    if not ((is_local(options) and not options.allow_host) or options.auth or options.open):
        parser.error("others could reach this page: add --auth NAME:PASSWORD, or --open to let anyone in")
    return options


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One sentence, without the list of all options before it."""
        self.exit(2, f"Diorama cannot start: {message}\n")


def _port(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > addresses.MOST:
        raise argparse.ArgumentTypeError(
            f"a port is a number from 1 to {addresses.MOST}, or 0 for any that is free, not '{text}'"
        )
    return int(text)


def _host(text: str) -> str:
    if not re.fullmatch(r"([\w.-]+|\[[\da-fA-F:.]+\])(:\d{1,5})?", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"a host is a name such as pictures.example.org, not '{text}'")
    return text


def _root_path(text: str) -> str:
    path = f"/{text.strip('/')}".rstrip("/")
    if not re.fullmatch(r"(/(?!\.{1,2}(/|$))[\w.~-]+)*", path, re.ASCII):
        raise argparse.ArgumentTypeError(f"a root path is written like /diorama, not '{text}'")
    return path


def _wrong_names(given: list[str]) -> str:
    """What is wrong with the names and passwords, never with a password in it; "" where nothing is."""
    names = [each.partition(":")[0].strip() for each in given]  # gradio takes spaces off what is signed in with
    for name, each in zip(names, given, strict=True):
        if not name or not each.partition(":")[2]:
            return f"--auth wants NAME:PASSWORD, got '{name}' with a part missing"
        if names.count(name) > 1:
            return f"--auth names '{name}' twice: give each person a name of their own"
    return ""


def is_local(options: argparse.Namespace) -> bool:
    """Only this machine can reach the page."""
    return not options.share and addresses.is_loopback(options.listen)


def find_keys(*, lend: bool = True) -> Keys:
    """The keys of this machine, with the lines that are added to .env while the app runs.

    Args:
        lend: whether they pay for everybody who may use the page.
    """
    return Keys(files=(HOME / ".env", Path.cwd() / ".env"), lend=lend)


def open_studio(
    outputs: Path, machine: Machine | None = None, keys: Keys | None = None, *, resume: bool = True
) -> Studio:
    """The studio of this machine: every model it knows, those in the clouds last, and the folder it keeps things in.

    Args:
        machine: what is known of it; None looks at it.
        keys: of the clouds; None takes those of this machine.
        resume: go on with the jobs that were left.

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
        resume=resume,
    )


def serve(studio: Studio, options: argparse.Namespace, machine: Machine) -> None:
    """Build the page, open it, and load the first model behind it.

    Raises:
        BadRequest: the port was taken in the meantime.
    """
    from ui import page  # gradio takes seconds to import: not before it is needed

    identify = identify_by(options)
    demo = page.build(studio, identify, machine=chips(machine))
    try:
        _, _, public_url = demo.launch(
            **launch_arguments(studio, options, identify), prevent_thread_lock=True, quiet=True
        )
    except OSError as error:
        raise BadRequest(f"port {options.port} cannot be opened. Try again, or use --port ANOTHER.") from error
    url = (public_url or addresses.url(options.listen, options.port)).rstrip("/")
    print(f"Diorama is at {url}{options.root_path}/ (Ctrl+C ends it)", flush=True)
    ready = [model for model in studio.models(Task.GENERATE) if model.readiness().ok]
    if ready:
        studio.warm(ready[0].id)
    demo.block_thread()


def launch_arguments(studio: Studio, options: argparse.Namespace, identify: Identify) -> dict[str, Any]:
    """For `Blocks.launch`; all that gradio would else take from the environment is said."""
    from ui import page  # as in `serve`

    host = addresses.bracketed(options.listen)
    return {
        "server_name": host,
        "server_port": options.port,
        "share": options.share,
        "auth": accounts(options),
        **page.launch_options(
            studio,
            identify,
            local_only=is_local(options),
            hosts=(f"{host}:{options.port}", *options.allow_host),
            root_path=options.root_path,
        ),
    }


def accounts(options: argparse.Namespace) -> list[tuple[str, str]] | None:
    """Names and passwords; None where nobody is asked."""
    parted = (each.partition(":") for each in options.auth)
    return [(name.strip(), password) for name, _, password in parted] or None


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


@cache
def _demo() -> gr.Blocks:
    from ui import page  # as in `serve`

    options = parse([])
    prepare_environment(options.listen)
    machine = inspect()
    studio = open_studio(OUTPUTS, machine, find_keys(lend=not options.open))
    identify = identify_by(options)
    demo = page.build(studio, identify, machine=chips(machine))
    demo.launch = partial(demo.launch, **launch_arguments(studio, options, identify))
    return demo


def __getattr__(name: str) -> Any:
    """`from app import demo` builds the page when it is asked for, for tools that look for it (`gradio app.py`)."""
    if name == "demo":
        return _demo()
    raise AttributeError(f"module 'app' has no attribute '{name}'")


if __name__ == "__main__":
    terminal.run(main)
