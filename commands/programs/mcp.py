"""The terminal verb `mcp`: MCP tools over standard input and output, for assistants that launch it."""

from __future__ import annotations

import argparse
from typing import Any

from commands.open_studio import studio_in
from commands.pictures import add_output
from commands.sharing.identity import LOCAL_OWNER


def add_verbs(verbs: Any) -> None:
    """Add mcp to the parser's verbs."""
    serving = verbs.add_parser("mcp", help="serve tools for an assistant (MCP) on standard input and output")
    serving.set_defaults(verb=serve)
    add_output(serving, "it speaks JSON anyway")


def serve(options: argparse.Namespace) -> int:
    """Serve until standard input closes."""
    from ui.programs import mcp_tools  # slow to import, and no other verb needs it
    from ui.routes.visitors import Caller

    with studio_in(options.outputs) as studio:
        caller = Caller(LOCAL_OWNER, lambda address: f"diorama:{address}")
        mcp_tools.build(studio, lambda _context: caller).run("stdio")
    return 0
