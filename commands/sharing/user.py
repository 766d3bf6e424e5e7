"""The terminal verb `user`: accounts for `app.py --users`. A running Diorama applies changes at once."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from pathlib import Path
from typing import Any

from commands.environment import ROOT
from commands.options import OUTPUTS
from commands.sharing.accounts import USERS_FILE, User, UsersFile, checked_name, checked_password, owner_named
from studio.client_keys import ClientKeys
from studio.errors import BadRequest


def add_verbs(verbs: Any) -> None:
    """Add user to the parser's verbs."""
    verb = verbs.add_parser("user", help="manage who may sign in with app.py --users")
    actions = verb.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", help="add a user, or change their password")
    add.set_defaults(verb=add_user)
    add.add_argument("name", metavar="NAME")
    add.add_argument("--admin", action="store_true", help="may also open the page /admin")
    remove = actions.add_parser("remove", help="remove a user, and sign them out")
    remove.set_defaults(verb=remove_user)
    remove.add_argument("name", metavar="NAME")
    names = actions.add_parser("list", help="print the names")
    names.set_defaults(verb=list_users)
    remove.add_argument(
        "--outputs",
        type=Path,
        default=OUTPUTS,
        metavar="FOLDER",
        help="where keys of theirs are kept (default: outputs)",
    )
    for action in (add, remove, names):
        action.add_argument(
            "--users", type=Path, default=ROOT / USERS_FILE, metavar="FILE", help=f"(default: {USERS_FILE})"
        )
        action.add_argument("--json", action="store_true", help="one JSON line per user")


def add_user(options: argparse.Namespace) -> int:
    """Ask for the password without echo, or read it from the first line of standard input."""
    name = checked_name(options.name)
    file = UsersFile(options.users)
    was_there = name in file.read()
    file.put(User.made(name, checked_password(_password(name)), is_admin=options.admin))
    said = f"{name} has a new password." if was_there else f"{name} may sign in: python app.py --users {options.users}"
    print(_line(name, options.admin) if options.json else said)
    return 0


def remove_user(options: argparse.Namespace) -> int:
    UsersFile(options.users).remove(options.name)
    keys = ClientKeys(options.outputs).remove_of(owner_named(options.name))
    if options.json:
        print(json.dumps({"name": options.name, "keys": keys}))
        return 0
    print(f"{options.name} can no longer sign in. Their pictures stay.")
    if keys:
        print(f"Their keys were removed: {', '.join(keys)}.")
    return 0


def list_users(options: argparse.Namespace) -> int:
    for name, user in UsersFile(options.users).read().items():
        plain = f"{name}  admin" if user.is_admin else name
        print(_line(name, user.is_admin) if options.json else plain)
    return 0


def _line(name: str, is_admin: bool) -> str:
    return json.dumps({"name": name, "admin": is_admin})


def _password(name: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass(f"Password for {name}: ")
    if getpass.getpass("Once more: ") != password:
        raise BadRequest("The two passwords differ. Nothing was changed; try again.")
    return password
