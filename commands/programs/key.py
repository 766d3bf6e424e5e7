"""The terminal verb `key`: API keys for programs. Starts without gradio and torch."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from commands.pictures import add_output
from commands.sharing.accounts import owner_named
from commands.sharing.identity import LOCAL_OWNER
from studio.client_keys import ClientKeys


def add_verbs(verbs: Any) -> None:
    """Add key to the parser's verbs."""
    keys = verbs.add_parser("key", help="keys for programs that use the page's HTTP interfaces")
    what = keys.add_subparsers(required=True, metavar="add|list|remove")
    adding = what.add_parser("add", help="make a key and print it, this once")
    adding.set_defaults(verb=add)
    adding.add_argument("name", metavar="NAME", help="of the program, such as open-webui")
    adding.add_argument(
        "--user", default="", help="whose gallery it uses: a name that signs in with --auth (default: the local one)"
    )
    listing = what.add_parser("list", help="list the names of the keys")
    listing.set_defaults(verb=list_all)
    removing = what.add_parser("remove", help="remove a key; its program is refused from now on")
    removing.set_defaults(verb=remove)
    removing.add_argument("name", metavar="NAME")
    for each in (adding, listing, removing):
        add_output(each, "one JSON line per key")


def add(options: argparse.Namespace) -> int:
    """Make a key. A running page accepts it immediately."""
    owner = owner_named(options.user) if options.user else LOCAL_OWNER
    key = ClientKeys(options.outputs).add(options.name, owner)
    print(json.dumps({"name": options.name, "key": key}) if options.json else key)
    print("Save it now: it is not shown again.", file=sys.stderr)
    return 0


def list_all(options: argparse.Namespace) -> int:
    """Print each key's name, owner and date. The keys themselves are not stored."""
    for key in ClientKeys(options.outputs).all():
        user = key.owner.removeprefix(owner_named("")) if key.owner != LOCAL_OWNER else ""
        if options.json:
            print(json.dumps({"name": key.name, "user": user, "created": key.created}))
        else:
            print(f"{key.name}  {time.strftime('%Y-%m-%d', time.localtime(key.created))}  {user}".rstrip())
    return 0


def remove(options: argparse.Namespace) -> int:
    """Remove a key."""
    ClientKeys(options.outputs).remove(options.name)
    if options.json:
        print(json.dumps({"name": options.name}))
    return 0
