"""The command line of a benchmark: one option for each default."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any


def options_of(description: str | None, arguments: Sequence[str], **defaults: Any) -> argparse.Namespace:
    """The options given on the command line: `warm_up=3` is read from `--warm-up`, a tuple from several values.

    Args:
        description: of the benchmark, shown by `--help`.
        defaults: by name; each option has the type of its default, and False makes it a switch.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in defaults.items():
        option, how = f"--{name.replace('_', '-')}", f"(default: {value})"
        if value is False:
            parser.add_argument(option, action="store_true")
        elif isinstance(value, tuple):
            parser.add_argument(option, type=type(value[0]), nargs="+", default=value, help=how)
        else:
            parser.add_argument(option, type=type(value), default=value, help=how)
    return parser.parse_args(arguments)
