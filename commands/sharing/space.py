"""The terminal verb `space push`: this program as a Hugging Face Space. Starts without gradio and torch."""

from __future__ import annotations

import argparse
import json
import os
import re
from pathlib import Path
from typing import Any

from commands.environment import ROOT
from providers.keys import read_env
from studio.errors import BadRequest

PERSISTENT = Path("/data")
"""A Space's persistent storage. Source: https://huggingface.co/docs/hub/spaces-storage"""
EPHEMERAL = "This Space keeps nothing: pictures made here are gone when it restarts. Download what you want to keep."


def add_verbs(verbs: Any) -> None:
    """Add space to the parser's verbs."""
    verb = verbs.add_parser("space", help="run Diorama as a Space of the Hugging Face Hub")
    actions = verb.add_subparsers(required=True, metavar="ACTION")
    push = actions.add_parser("push", help="create the Space, or update it")
    push.set_defaults(verb=push_space)
    push.add_argument("repo", metavar="USER/NAME")
    push.add_argument("--json", action="store_true", help="a JSON line: repo, url")
    push.add_argument("--private", action="store_true", help="make it private when it is created")
    push.add_argument(
        "--zerogpu", action="store_true", help="for ZeroGPU: with its hardware, when it is created, and its torch"
    )


def push_space(options: argparse.Namespace) -> int:
    """Upload the program and print the address."""
    from pipelines.hub import space  # huggingface_hub is slow to import

    if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", options.repo, re.ASCII):
        raise BadRequest(f"A Space is named like USER/NAME, not '{options.repo:.64}'.")
    token = os.environ.get("HF_TOKEN") or read_env(ROOT / ".env").get("HF_TOKEN") or None
    endpoint = os.environ.get("HF_ENDPOINT") or None
    how = {"is_private": options.private, "zero_gpu": options.zerogpu}
    url = space.push(ROOT, options.repo, token=token, endpoint=endpoint, **how)
    print(json.dumps({"repo": options.repo, "url": url}) if options.json else f"{options.repo} is up to date: {url}")
    return 0


def outputs_of_space(default: Path, persistent: Path = PERSISTENT) -> tuple[Path, str]:
    """Where a Space stores pictures, and a notice if they are not permanent, else ""."""
    if persistent.is_dir() and os.access(persistent, os.W_OK | os.X_OK):
        return persistent / "outputs", ""
    return default, EPHEMERAL
