"""The terminal verb `space push`: this program as a Space of the Hugging Face Hub. Starts without gradio and torch."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import Any

from commands.environment import ROOT
from providers.keys import read_env
from studio.errors import BadRequest

PERSISTENT = Path("/data")
"""Where a Space has its persistent storage. Source: https://huggingface.co/docs/hub/spaces-storage"""
EPHEMERAL = "This Space forgets: pictures made here are gone when it restarts. Download what you want to keep."


def add_verbs(verbs: Any) -> None:
    """Add space to the parser's verbs."""
    verb = verbs.add_parser("space", help="run Diorama as a Space of the Hugging Face Hub")
    actions = verb.add_subparsers(required=True, metavar="ACTION")
    push = actions.add_parser("push", help="make the Space, or bring it up to date")
    push.set_defaults(verb=push_space)
    push.add_argument("repo", metavar="USER/NAME")
    push.add_argument("--private", action="store_true", help="where it is made: for you alone")


def push_space(options: argparse.Namespace) -> int:
    """Bring the program there and print the address."""
    from pipelines.hub import space  # huggingface_hub takes its time to import

    if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", options.repo, re.ASCII):
        raise BadRequest(f"A Space is named like USER/NAME, not '{options.repo:.64}'.")
    token = os.environ.get("HF_TOKEN") or read_env(ROOT / ".env").get("HF_TOKEN") or None
    endpoint = os.environ.get("HF_ENDPOINT") or None
    url = space.push(ROOT, options.repo, token=token, endpoint=endpoint, is_private=options.private)
    print(f"{options.repo} is up to date: {url}")
    return 0


def outputs_of_space(default: Path, persistent: Path = PERSISTENT) -> tuple[Path, str]:
    """Where a Space keeps pictures, and what is said of it; "": they stay."""
    if persistent.is_dir() and os.access(persistent, os.W_OK | os.X_OK):
        return persistent / "outputs", ""
    return default, EPHEMERAL
