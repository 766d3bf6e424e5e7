"""Start here: choose the models, build the page, open it.

`python app.py` serves the page on 127.0.0.1 for one person. Anything wider needs `--auth name:password`, or an
explicit `--open`, which gives every visitor a private gallery. On a Hugging Face Space it is open by default.
"""

from __future__ import annotations

from commands import terminal

if __name__ == "__main__":
    terminal.prepare()

import argparse
import gc
import logging
import os
import pkgutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands import addresses
from commands.environment import ROOT, prepare_environment, use_gpu, without_interfaces
from commands.options import (
    is_local,
    is_shared,
    own_checkpoints,
    own_models,
    parse,
    quota_bytes,
)
from commands.programs.remote import answer_there, workers_at
from commands.sharing import invitation
from commands.sharing.identity import LOCAL_OWNER, accounts_of, admits, identify_by, people_of
from commands.temporary_folder import temporary_folder
from pipelines import catalog
from pipelines.hub.cache import HubCache
from pipelines.machine import Machine, inspect, meters
from providers import catalog as clouds
from providers.cloud import CloudSettings
from providers.keys import Keys
from studio.client_keys import ClientKeys
from studio.clouds.spending import read_cap
from studio.contract import Task
from studio.errors import BadRequest, StudioError
from studio.scheduling.contract import Workers
from studio.service import Studio

if TYPE_CHECKING:
    import gradio as gr

log = logging.getLogger(__name__)

HEARD_SECONDS = 2.0  # time for open pages to learn that the GPU is lost


def main(arguments: list[str] | None = None) -> int:
    """Serve the page until Ctrl+C; restart in a new process if this one loses the GPU.

    Returns:
        The exit status.
    """
    options, is_lost = parse(arguments), False
    prepare_environment(options.listen)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in ("httpx", "httpx2"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        options.port = addresses.free_port(options.listen, options.port)
        machine = inspect()
        with temporary_folder() as options.temporary, workers_at(options.nats) as workers:
            # Where anyone may come in, the host's keys pay for nobody else.
            studio = open_studio(
                options.outputs,
                machine,
                find_keys(lend=not options.open),
                checkpoints=options.checkpoints,
                workers=workers,
                quota_bytes=quota_bytes(options),
                admits=admits(options),
            )
            try:
                answer_there(workers, studio, LOCAL_OWNER)
                is_lost = serve(studio, options, machine)
            finally:
                studio.close()
    except StudioError as error:
        print(f"Diorama cannot start: {error}", file=sys.stderr)
        return 2
    return terminal.start_again() if is_lost else 0


def find_keys(*, lend: bool = True) -> Keys:
    """The keys of this machine, including those added to .env while the app runs.

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
    workers: Workers | None = None,
    quota_bytes: int | None = None,
    admits: Callable[[str], bool] = lambda _owner: True,
    resume: bool = True,
) -> Studio:
    """The studio of this machine: every model it knows, cloud models last, and its outputs folder.

    Args:
        machine: None: detected.
        keys: for the clouds; None: those of this machine.
        checkpoints: the user's own models; None: see `own_checkpoints`.
        workers: other machines, if any.
        quota_bytes: per owner; None: unlimited.
        admits: whether an owner may still use it.
        resume: continue unfinished jobs.

    Raises:
        BadRequest: DIORAMA_DAILY_CAP_USD is not an amount.
        StorageFailed, OutputsInUse: the folder cannot be used.
    """
    machine = machine or inspect()
    keys = keys or find_keys()
    use_gpu(machine)
    connection = CloudSettings(os.environ)
    models = (*catalog.models(machine), *clouds.models(keys, connection))
    own = own_models(checkpoints or own_checkpoints(outputs), machine)
    hub = HubCache.here()
    token_check = cache(lambda: pkgutil.resolve_name("pipelines.hub.token:TokenCheck")(hub))  # heavy to import
    return Studio(
        models,
        outputs,
        own=own,
        own_folder=own.invitation,
        memory_gb=machine.models_gb,
        meters=partial(meters, machine, hub.free_bytes),
        token=lambda: token_check()(),
        clouds=clouds.accounts(keys, connection),
        workers=workers,
        daily_cap_usd=read_cap(os.environ.get("DIORAMA_DAILY_CAP_USD", "")),
        quota_bytes=quota_bytes,
        admits=admits,
        resume=resume,
    )


def serve(studio: Studio, options: argparse.Namespace, machine: Machine) -> bool:
    """Build and serve the page until Ctrl+C; the first model loads meanwhile. Returns whether the GPU was lost.

    Raises:
        BadRequest: the port was taken in the meantime.
    """
    gc.disable()  # a sixth of the start: hardly anything that is loaded becomes garbage
    with without_interfaces():
        from ui import page  # gradio takes seconds to import

    demo, arguments = build(studio, options, machine)
    try:
        _, _, public_url = demo.launch(**arguments, prevent_thread_lock=True, quiet=True)
    except OSError as error:
        raise BadRequest(f"port {options.port} cannot be opened. Try again, or use --port ANOTHER.") from error
    gc.enable()
    with suppress(KeyboardInterrupt):
        print(*invitation.told(options, public_url), sep="\n", flush=True)
        warm_up(studio)
        while demo.is_running and not (studio.gpu_lost.is_set() and terminal.may_start_again()):
            time.sleep(0.1)
    is_lost = studio.gpu_lost.is_set() and terminal.may_start_again()
    if is_lost:
        log.warning("The GPU stopped answering: Diorama restarts.")
        time.sleep(HEARD_SECONDS)
    page.close(demo)
    return is_lost


def warm_up(studio: Studio) -> None:
    """Load the first model, then the one for clicks unless it would take the GPU's memory from another."""
    for task in (Task.GENERATE, Task.SEGMENT):
        ready = next((model for model in studio.models(task) if model.readiness().ok), None)
        if ready and (task == Task.GENERATE or not ready.gpu_gb):
            studio.warm(ready.id, is_last=True)


def build(studio: Studio, options: argparse.Namespace, machine: Machine) -> tuple[gr.Blocks, dict[str, Any]]:
    """The page, and arguments for its `launch`, including all that gradio would otherwise read from the environment."""
    from ui import page  # as in `serve`

    people = people_of(studio, options)
    identify = identify_by(options, people)
    about = {"machine": chips(machine), "is_shared": is_shared(options), "notice": options.notice}
    host = addresses.bracketed(options.listen)
    who = accounts_of(options)
    assistants = None
    if options.mcp:
        from ui.programs.mcp_http import McpOverHttp as assistants  # takes another second to import
    return page.build(studio, identify, **about), {
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
            people=people,
            keys=ClientKeys(options.outputs, admits(options)),
            assistants=assistants,
            is_shared=is_shared(options),
            host_key=options.host_key,
            is_alone=not is_shared(options),
        ),
    }


def chips(machine: Machine) -> str:
    """The processors that models run on, in a word or two."""
    return machine.gpu.name if machine.gpu else "CPU"


@cache
def _demo() -> gr.Blocks:
    options = parse([])
    prepare_environment(options.listen)
    machine = inspect()
    keys = find_keys(lend=not options.open)
    studio = open_studio(options.outputs, machine, keys, quota_bytes=quota_bytes(options), admits=admits(options))
    demo, arguments = build(studio, options, machine)
    demo.launch = partial(demo.launch, **arguments)
    return demo


def __getattr__(name: str) -> Any:
    """`from app import demo` builds the page on demand, for tools that look for it (`gradio app.py`)."""
    if name == "demo":
        return _demo()
    raise AttributeError(f"module 'app' has no attribute '{name}'")


if __name__ == "__main__":
    terminal.run(main)
