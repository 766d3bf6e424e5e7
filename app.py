"""Start here: choose the models, build the page, open it.

`python app.py` serves the page on 127.0.0.1 for one person. Anything wider needs `--auth name:password`, or an explicit
`--open`, which gives every visitor a place of their own. On a Hugging Face Space it is open by itself.
"""

from __future__ import annotations

from commands import terminal

if __name__ == "__main__":
    terminal.prepare()

import argparse
import hashlib
import logging
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands import addresses
from commands.environment import ROOT, prepare_environment
from commands.options import (
    OUTPUTS as OUTPUTS,
    accounts,
    asks_who,
    is_local,
    is_shared,
    own_checkpoints,
    parse,
    quota_bytes,
)
from commands.sharing import invitation
from commands.sharing.accounts import Accounts, UsersFile
from commands.temporary_folder import temporary_folder
from pipelines import catalog
from pipelines.hub.cache import HubCache
from pipelines.machine import Machine, inspect, meters
from pipelines.own_checkpoints import elsewhere
from providers import catalog as clouds
from providers.cloud import Connection
from providers.keys import Keys
from studio.client_keys import ClientKeys
from studio.clouds.spending import read_cap
from studio.contract import Task
from studio.errors import BadRequest, StudioError
from studio.model_files import Host
from studio.service import Studio

if TYPE_CHECKING:
    import gradio as gr

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
        with temporary_folder() as options.temporary:
            # Where anyone may come in, nobody else's pictures are paid for with the host's keys.
            studio = open_studio(
                options.outputs,
                machine,
                find_keys(lend=not options.open),
                checkpoints=options.checkpoints,
                quota_bytes=quota_bytes(options),
            )
            try:
                serve(studio, options, machine)
            finally:
                studio.close()
    except StudioError as error:
        print(f"Diorama cannot start: {error}", file=sys.stderr)
        return 2
    return 0


def find_keys(*, lend: bool = True) -> Keys:
    """The keys of this machine, with the lines that are added to .env while the app runs.

    Args:
        lend: whether they pay for everybody who may use the page.
    """
    return Keys(files=(ROOT / ".env", Path.cwd() / ".env"), lend=lend)


def open_studio(
    outputs: Path,
    machine: Machine | None = None,
    keys: Keys | None = None,
    *,
    checkpoints: Path | None = None,
    quota_bytes: int | None = None,
    resume: bool = True,
) -> Studio:
    """The studio of this machine: every model it knows, those in the clouds last, and the folder it keeps things in.

    Args:
        machine: what is known of it; None looks at it.
        keys: of the clouds; None takes those of this machine.
        checkpoints: where a person's own are; None: as `own_checkpoints` says.
        quota_bytes: what an owner may keep; None: any number.
        resume: go on with the jobs that were left.

    Raises:
        BadRequest: DIORAMA_DAILY_CAP_USD is no amount.
        StorageFailed, OutputsInUse: the folder cannot be used.
    """
    machine = machine or inspect()
    keys = keys or find_keys()
    if machine.gpu and machine.gpu.capability != (0, 0):  # the one that readiness was judged by
        os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
        if os.environ.get("DIORAMA_GPU") or len(machine.gpus) > 1:
            os.environ["CUDA_VISIBLE_DEVICES"] = str(machine.gpu.index)
    memory_gb = machine.gpu.total_gb if machine.gpu else machine.ram_gb / 2
    connection = Connection(os.environ)
    models = (*catalog.models(machine), *clouds.models(keys, connection))
    own = catalog.OwnModels(checkpoints or own_checkpoints(outputs), machine, more=elsewhere(os.environ))
    return Studio(
        models,
        outputs,
        own=own,
        own_folder=own.invitation,
        memory_gb=memory_gb,
        host=Host(meters=partial(meters, machine, HubCache.here().free_bytes)),
        clouds=clouds.accounts(keys, connection),
        daily_cap_usd=read_cap(os.environ.get("DIORAMA_DAILY_CAP_USD", "")),
        quota_bytes=quota_bytes,
        resume=resume,
    )


def serve(studio: Studio, options: argparse.Namespace, machine: Machine) -> None:
    """Build the page, open it, and load the first model behind it.

    Raises:
        BadRequest: the port was taken in the meantime.
    """
    from ui import page  # gradio takes seconds to import: not before it is needed

    identify = identify_by(options)
    demo = build(studio, options, identify, machine)
    try:
        _, _, public_url = demo.launch(
            **launch_arguments(studio, options, identify), prevent_thread_lock=True, quiet=True
        )
    except OSError as error:
        raise BadRequest(f"port {options.port} cannot be opened. Try again, or use --port ANOTHER.") from error
    print(*invitation.told(options, public_url), sep="\n", flush=True)
    ready = [model for model in studio.models(Task.GENERATE) if model.readiness().ok]
    if ready:
        studio.warm(ready[0].id)
    with suppress(KeyboardInterrupt):
        while demo.is_running:
            time.sleep(0.1)
    page.close(demo)


def build(studio: Studio, options: argparse.Namespace, identify: Identify, machine: Machine) -> gr.Blocks:
    """The page."""
    from ui import page  # as in `serve`

    about = {"machine": chips(machine), "is_shared": is_shared(options), "notice": options.notice}
    return page.build(studio, identify, **about)


def launch_arguments(studio: Studio, options: argparse.Namespace, identify: Identify) -> dict[str, Any]:
    """For `Blocks.launch`; all that gradio would else take from the environment is said."""
    from ui import page  # as in `serve`

    host = addresses.bracketed(options.listen)
    who = accounts_of(options)
    assistants = None
    if options.mcp:
        from ui.programs.mcp_http import McpOverHttp as assistants  # a second more, for whoever wants it
    return {
        "server_name": host,
        "server_port": options.port,
        "share": options.share,
        "auth": who and who.admits,
        **page.launch_options(
            studio,
            identify,
            local_only=is_local(options),
            hosts=(f"{host}:{options.port}", *options.allow_host),
            root_path=options.root_path,
            temporary=options.temporary,
            accounts=who,
            keys=ClientKeys(options.outputs),
            assistants=assistants,
            is_shared=is_shared(options),
            host_key=options.host_key,
            is_alone=not is_shared(options),
        ),
    }


def accounts_of(options: argparse.Namespace) -> Accounts | None:
    """Who may sign in; None where nobody is asked."""
    file = UsersFile(options.users) if options.users else None
    return Accounts(dict(accounts(options) or ()), file) if asks_who(options) else None


def chips(machine: Machine) -> str:
    """What models run on here, in a word or two."""
    return machine.gpu.name if machine.gpu else "CPU"


def identify_by(options: argparse.Namespace) -> Identify:
    """Who owns what: one person locally, one per user name with a password, one per browser otherwise."""
    if asks_who(options):
        return lambda request, _token: owner_named(request.username)
    if options.open:
        return lambda _request, token: visitor(token)
    return lambda _request, _token: LOCAL_OWNER


def owner_named(user: str | None) -> str:
    """The owner behind a name that signs in with `--auth`."""
    return f"user-{user}"


def visitor(token: str) -> str:
    """The owner behind a browser's secret token: a one-way hash, fit to be stored in files that are passed on."""
    if not isinstance(token, str) or len(token) < SMALLEST_TOKEN:
        raise BadRequest(
            "This page does not know your browser yet: reload it (API: pass a token of 16 characters or more)."
        )
    return hashlib.sha256(token.encode()).hexdigest()[:32]


@cache
def _demo() -> gr.Blocks:
    options = parse([])
    prepare_environment(options.listen)
    machine = inspect()
    keys = find_keys(lend=not options.open)
    studio = open_studio(options.outputs, machine, keys, quota_bytes=quota_bytes(options))
    identify = identify_by(options)
    demo = build(studio, options, identify, machine)
    demo.launch = partial(demo.launch, **launch_arguments(studio, options, identify))
    return demo


def __getattr__(name: str) -> Any:
    """`from app import demo` builds the page when it is asked for, for tools that look for it (`gradio app.py`)."""
    if name == "demo":
        return _demo()
    raise AttributeError(f"module 'app' has no attribute '{name}'")


if __name__ == "__main__":
    terminal.run(main)
