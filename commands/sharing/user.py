"""The terminal verb `user`: who may sign in with `app.py --users`. A Diorama that runs takes changes at once."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path
from typing import Any

from commands.environment import ROOT
from commands.sharing.accounts import USERS_FILE, User, UsersFile, checked_name, checked_password
from studio.errors import BadRequest


def add_verbs(verbs: Any) -> None:
    """Add user to the parser's verbs."""
    verb = verbs.add_parser("user", help="say who may sign in with app.py --users")
    actions = verb.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", help="let somebody in, or give them another password")
    add.set_defaults(verb=add_user)
    add.add_argument("name", metavar="NAME")
    add.add_argument("--admin", action="store_true", help="may also open the page /admin")
    remove = actions.add_parser(
        "remove", help="let somebody in no more; who is signed in under that name is signed out"
    )
    remove.set_defaults(verb=remove_user)
    remove.add_argument("name", metavar="NAME")
    names = actions.add_parser("list", help="print the names")
    names.set_defaults(verb=list_users)
    for action in (add, remove, names):
        action.add_argument(
            "--users", type=Path, default=ROOT / USERS_FILE, metavar="FILE", help=f"(default: {USERS_FILE})"
        )


def add_user(options: argparse.Namespace) -> int:
    """Ask for the password, unseen, or read the first line of what is piped in."""
    name = checked_name(options.name)
    file = UsersFile(options.users)
    was_there = name in file.read()
    file.put(User.made(name, checked_password(_password(name)), is_admin=options.admin))
    print(
        f"{name} has another password." if was_there else f"{name} may sign in: python app.py --users {options.users}"
    )
    return 0


def remove_user(options: argparse.Namespace) -> int:
    UsersFile(options.users).remove(options.name)
    print(f"{options.name} may sign in no more. Their pictures stay.")
    return 0


def list_users(options: argparse.Namespace) -> int:
    for name, user in UsersFile(options.users).read().items():
        print(f"{name}  admin" if user.is_admin else name)
    return 0


def _password(name: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass(f"Password for {name}: ")
    if getpass.getpass("Once more: ") != password:
        raise BadRequest("These are two passwords. Nothing was changed; try again.")
    return password
