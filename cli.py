"""The same features in a terminal: runs one of `commands`. Starts without gradio and torch."""

from __future__ import annotations

from commands import terminal

if __name__ == "__main__":
    terminal.prepare()

import argparse
import sys

from commands import clouds, doctor, generate, iterate, models, segment, splat, upscale
from commands.environment import prepare_environment
from commands.library import collection
from commands.programs import completion, key, mcp, run, watch, worker
from commands.sharing import space, user
from studio.errors import StudioError

VERBS = (
    generate,
    iterate,
    upscale,
    clouds,
    segment,
    splat,
    collection,
    models,
    run,
    watch,
    doctor,
    user,
    space,
    key,
    mcp,
    worker,
    completion,
)
"""In the order of `--help`."""


def main(arguments: list[str] | None = None) -> int:
    """Run one verb. Returns the exit status: 0 for success, 2 for a failure that has been reported."""
    options = parse(arguments)
    prepare_environment()
    try:
        return options.verb(options)
    except StudioError as error:
        print(error, file=sys.stderr)
    except BrokenPipeError:
        raise  # the reader closed the pipe: nobody to tell
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"{place}{error.strerror or error}. Check the file, the disk and the permissions.", file=sys.stderr)
    return 2


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python cli.py", description="Diorama in a terminal.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for module in VERBS:
        module.add_verbs(verbs)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    terminal.run(main, seconds_to_leave=1.0)
