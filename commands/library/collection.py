"""The terminal verb `collection`: named collections of pictures. No gradio, no torch."""

from __future__ import annotations

import argparse
import json
from typing import Any

from commands.open_studio import studio_in
from commands.pictures import add_output
from commands.sharing.identity import LOCAL_OWNER
from studio.service import Studio

_PAGE = 200


def add_verbs(verbs: Any) -> None:
    """Add collection to the parser's verbs."""
    parser = verbs.add_parser("collection", help="list collections of pictures, or add pictures to one")
    parser.set_defaults(verb=collection)
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help="of a collection (default: list all)")
    parser.add_argument("--add", nargs="+", default=[], metavar="ID", help="ids of pictures to add to it")
    parser.add_argument("--remove", nargs="+", default=[], metavar="ID", help="ids of pictures to remove from it")
    add_output(parser, "a JSON line each: name, pictures; or id, path")


def collection(options: argparse.Namespace) -> int:
    """Print the collections, or the contents of one after adding or removing pictures."""
    with studio_in(options.outputs) as studio:
        if not options.name and not (options.add or options.remove):
            for each in studio.collections(LOCAL_OWNER):
                print(json.dumps(each._asdict()) if options.json else f"{each.name} ({each.pictures})", flush=True)
            return 0
        name = options.name
        for ids, is_in in ((options.add, True), (options.remove, False)):
            if ids:
                name = studio.collect(LOCAL_OWNER, ids, name, is_in=is_in)
        list_pictures(studio, name, options)
        return 0


def list_pictures(studio: Studio, name: str, options: argparse.Namespace) -> None:
    """Print one line per picture of a collection, newest first."""
    after = ""
    while True:
        page = studio.gallery(LOCAL_OWNER, collection=name, after=after, limit=_PAGE)
        for asset in page.assets:
            path = str(studio.path(LOCAL_OWNER, asset.id))
            print(json.dumps({"id": asset.id, "path": path}) if options.json else path, flush=True)
        after = page.next
        if not after:
            return
