"""The terminal verb `mcp`: the tools for assistants over standard input and output, for programs that start it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from app import LOCAL_OWNER, OUTPUTS
from commands.open_studio import studio_in


def add_verbs(verbs: Any) -> None:
    """Add mcp to the parser's verbs."""
    serving = verbs.add_parser("mcp", help="serve tools for an assistant (MCP) on standard input and output")
    serving.set_defaults(verb=serve)
    serving.add_argument("--outputs", type=Path, default=OUTPUTS, help="Diorama's own folder (default: outputs)")
    serving.add_argument("--json", action="store_true", help="what it speaks is JSON anyway")


def serve(options: argparse.Namespace) -> int:
    """Serve until the other side closes its end."""
    from ui.programs import mcp_tools  # it takes seconds to import, and no other verb needs it
    from ui.routes.visitors import Caller

    with studio_in(options.outputs) as studio:
        caller = Caller(LOCAL_OWNER, lambda address: f"diorama:{address}")
        mcp_tools.build(studio, lambda _context: caller).run("stdio")
    return 0
