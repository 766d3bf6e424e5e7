"""Run all benchmarks, or the named ones: `python -m benchmarks [name ...]`."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys

import benchmarks

HELPERS = {"__main__", "in_browser", "options", "table", "timing"}
"""Modules that are no benchmarks; all others have a `main()`."""


def main(names: list[str]) -> None:
    """Run the named benchmarks in order, or all of them."""
    known = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name not in HELPERS]
    unknown = set(names) - set(known)
    if unknown:
        sys.exit(f"There is no benchmark {', '.join(sorted(unknown))}. Choose from: {', '.join(known)}.")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # see app.prepare_environment; before torch is loaded
    for name in names or known:
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
