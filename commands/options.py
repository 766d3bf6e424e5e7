"""The command line of `app.py`. It serves other people only if told who may sign in."""

from __future__ import annotations

import argparse
import os
import re
import secrets
from pathlib import Path
from typing import NoReturn

from commands import addresses
from commands.environment import ROOT
from commands.sharing.accounts import USERS_FILE, UsersFile
from commands.sharing.space import outputs_of_space
from pipelines.catalog import OwnModels
from pipelines.machine import Machine
from pipelines.own_checkpoints import elsewhere
from pipelines.upscalers import files as upscalers
from studio.errors import BadRequest

OUTPUTS = ROOT / "outputs"
QUOTA_GB = 5.0
"""Disk space per person where several share it: a few thousand pictures."""


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line; refuses to serve other people without --auth, --users or --open."""
    parser = _parser()
    options = parser.parse_args(arguments, argparse.Namespace(temporary=None, host_key="", notice=""))
    if os.environ.get("SPACE_ID"):
        options.open, options.listen = True, options.listen or "0.0.0.0"
        if options.outputs == OUTPUTS:
            options.outputs, options.notice = outputs_of_space(OUTPUTS)
    options.listen = options.listen.removeprefix("[").removesuffix("]")
    if options.listen in ("", "localhost"):
        options.listen = "127.0.0.1"
    wrong = _wrong_names(options.auth) or (options.users and _wrong_users(options.users))
    if wrong:
        parser.error(wrong)
    if not ((is_local(options) and not options.allow_host) or asks_who(options) or options.open):
        parser.error(
            "others could reach this page: add --auth NAME:PASSWORD or --users FILE, or --open to let anyone in"
        )
    if is_shared(options):
        options.host_key = secrets.token_urlsafe(16)  # new at every start
    return options


def _parser() -> _Parser:
    parser = _Parser(prog="python app.py", description="Diorama: words to pictures, objects and 3D.")
    _add_network(parser)
    _add_people(parser)
    _add_programs(parser)
    parser.add_argument(
        "--quota",
        metavar="GB",
        type=_quota,
        default=QUOTA_GB,
        help=f"disk space per person on a shared server (default: {QUOTA_GB:g}; 0: unlimited)",
    )
    parser.add_argument("--outputs", type=Path, default=OUTPUTS, help="where pictures are kept (default: outputs)")
    parser.add_argument(
        "--checkpoints",
        type=Path,
        metavar="FOLDER",
        help="where your own models are (default: checkpoints, next to the outputs)",
    )
    return parser


def _add_network(parser: argparse.ArgumentParser) -> None:
    """Options about addresses and ports."""
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
    parser.add_argument("--share", action="store_true", help="create a public link through Gradio's tunnel")


def _add_people(parser: argparse.ArgumentParser) -> None:
    """Options about who may sign in."""
    parser.add_argument(
        "--auth",
        metavar="NAME:PASSWORD",
        action="append",
        default=[],
        help="require this name and password; repeat it for each person",
    )
    parser.add_argument(
        "--users",
        metavar="FILE",
        type=Path,
        nargs="?",
        const=ROOT / USERS_FILE,
        help=f"require a name and password from this file; see `python cli.py user add NAME` (default: {USERS_FILE})",
    )
    parser.add_argument(
        "--open", action="store_true", help="let in anyone who can reach the page; each sees only their own pictures"
    )


def _add_programs(parser: argparse.ArgumentParser) -> None:
    """Options about other programs: workers, assistants, a reverse proxy."""
    parser.add_argument(
        "--nats",
        metavar="ADDRESS",
        default="",
        help="let workers of this NATS server make pictures, too, such as nats://host:4222 (default: DIORAMA_NATS)",
    )
    parser.add_argument("--mcp", action="store_true", help="serve tools for assistants (MCP) at /mcp")
    parser.add_argument(
        "--allow-host",
        metavar="NAME",
        type=_host,
        action="append",
        default=[],
        help="a host name under which a reverse proxy on this machine serves the page, such as pictures.example.org",
    )
    parser.add_argument(
        "--root-path",
        metavar="PATH",
        type=_root_path,
        default=os.environ.get("GRADIO_ROOT_PATH", ""),
        help="the path under which a reverse proxy serves the page, such as /diorama",
    )


def own_checkpoints(outputs: Path) -> Path:
    """The folder of the user's own models: DIORAMA_CHECKPOINTS, or the one next to the outputs."""
    named = os.environ.get("DIORAMA_CHECKPOINTS", "")
    return Path(os.path.expanduser(named)) if named else outputs.absolute().parent / "checkpoints"


def own_models(folder: Path, machine: Machine) -> OwnModels:
    """
    Args:
        folder: of the checkpoints.
    """
    return OwnModels(folder, machine, more=elsewhere(os.environ), upscalers=upscalers.folders(os.environ))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print one sentence, without the usage that argparse prints before it."""
        self.exit(2, f"Diorama cannot start: {message}\n")


def _port(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > addresses.MOST:
        raise argparse.ArgumentTypeError(
            f"a port is a number from 1 to {addresses.MOST}, or 0 for any that is free, not '{text}'"
        )
    return int(text)


def _quota(text: str) -> float:
    try:
        gb = float(text)
    except ValueError:
        gb = -1.0
    if not 0.0 <= gb < 1e6:
        raise argparse.ArgumentTypeError(f"a quota is a number of GB such as 5, or 0 for any, not '{text}'")
    return gb


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
    """What is wrong with the names and passwords, never quoting a password; "" if nothing."""
    names = [each.partition(":")[0].strip() for each in given]  # gradio strips the names people sign in with
    for name, each in zip(names, given, strict=True):
        if not name or not each.partition(":")[2]:
            return f"--auth takes NAME:PASSWORD, got '{name}' with a part missing"
        if names.count(name) > 1:
            return f"--auth names '{name}' twice: give each person a name of their own"
    return ""


def _wrong_users(path: Path) -> str:
    """What is wrong with a users file; "" if nothing."""
    file = UsersFile(path)
    try:
        if not file.read():
            return f"{path} has no user yet: python cli.py user add NAME --users {path}"
    except (BadRequest, OSError) as error:
        return str(error)
    file.close_to_others()
    return ""


def asks_who(options: argparse.Namespace) -> bool:
    """Whether a name and a password are required."""
    return bool(options.auth or options.users)


def is_local(options: argparse.Namespace) -> bool:
    """Whether only this machine can reach the page."""
    return not options.share and addresses.is_loopback(options.listen)


def is_shared(options: argparse.Namespace) -> bool:
    """Whether anyone but the person at this machine may use it."""
    return asks_who(options) or options.open


def quota_bytes(options: argparse.Namespace) -> int | None:
    """Per person; None: unlimited."""
    return round(options.quota * 1e9) if options.quota and is_shared(options) else None


def accounts(options: argparse.Namespace) -> list[tuple[str, str]] | None:
    """Names and passwords; None if no sign-in is needed."""
    parted = (each.partition(":") for each in options.auth)
    return [(name.strip(), password) for name, _, password in parted] or None
