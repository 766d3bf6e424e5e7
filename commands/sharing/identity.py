"""Who a visitor is: the owner of a request, by the options that the app was started with."""

from __future__ import annotations

import argparse
import hashlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from commands.options import accounts, asks_who
from commands.sharing.accounts import Users, UsersFile, owner_named
from studio.errors import BadRequest
from studio.service import Studio

if TYPE_CHECKING:
    import gradio as gr

    from ui.guard.sign_in.people import People

LOCAL_OWNER = "local"
SMALLEST_TOKEN = 16  # characters of a visitor's token; shorter ones could be guessed
Identify = Callable[["gr.Request", str], str]
"""A request and its browser's token to an opaque owner."""


def accounts_of(options: argparse.Namespace) -> Users | None:
    """The users who may sign in; None if no sign-in is needed."""
    file = UsersFile(options.users) if options.users else None
    return Users(dict(accounts(options) or ()), file) if asks_who(options) else None


def admits(options: argparse.Namespace) -> Callable[[str], bool]:
    """Whether an owner may still use it: not users removed while the app runs."""
    who = accounts_of(options)
    return who.admits_owner if who else lambda _owner: True


def people_of(studio: Studio, options: argparse.Namespace) -> People | None:
    """Sign-in with Hugging Face, on a Space with `hf_oauth`: visitors pay there with their own token."""
    if asks_who(options) or "OAUTH_CLIENT_ID" not in os.environ:
        return None
    from providers.hugging_face.sign_in import HuggingFaceSignIn  # on a Space only
    from ui.guard.sign_in.people import People

    space = HuggingFaceSignIn.of_space(os.environ)
    return space and People(space, lambda owner, token: studio.clouds.paste(owner, space.provider, token))


def identify_by(options: argparse.Namespace, people: People | None = None) -> Identify:
    """The owner of a request: one person locally, else a user name, an account or a browser."""
    if asks_who(options):
        return lambda request, _token: owner_named(request.username)
    if options.open and people is not None:
        return lambda request, token: people.owner_of(getattr(request.request, "cookies", {})) or visitor(token)
    if options.open:
        return lambda _request, token: visitor(token)
    return lambda _request, _token: LOCAL_OWNER


def visitor(token: str) -> str:
    """The owner for a browser's secret token: a one-way hash, safe to store in shared files."""
    if not isinstance(token, str) or len(token) < SMALLEST_TOKEN:
        raise BadRequest(
            "This page does not know your browser yet: reload it (API: pass a token of 16 characters or more)."
        )
    return hashlib.sha256(token.encode()).hexdigest()[:32]
