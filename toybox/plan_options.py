"""Command-line options of the training scripts: one for each field of their plan."""

import argparse
from typing import Any, TypeVar

P = TypeVar("P")


def plan_from_options(kind: type[P], description: str | None) -> P:
    """The plan given on the command line.

    Args:
        kind: a dataclass whose fields have defaults; "minutes_per_step" is read from `--minutes-per-step`.
        description: of the script, shown by `--help`.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    values: dict[str, Any] = vars(kind())
    for name, value in values.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    return kind(**vars(parser.parse_args()))
