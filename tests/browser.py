"""Finds a Chromium for the browser tests; `python -m tests.browser --install` installs one where it can."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

SHELL = "chromium-headless-shell"
"""Debian's name of Chromium without windows: its pages take a fifth less work than those of the whole browser."""
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--disable-gpu",
    "--enable-unsafe-swiftshader",  # software draws WebGL alone: with it the whole page takes twice the work
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def find() -> str | None:
    """Path of a Chromium or Chrome: CHROMIUM from the environment, an installed one, or Playwright's own."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    return next((path for name in NAMES if (path := shutil.which(name))), None) or _of_playwright()


@contextmanager
def opened() -> Iterator[Browser]:
    """A browser for tests; without one they are skipped, or fail in CI."""
    path = find()
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Chromium here: python -m tests.browser --install")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def install() -> bool:
    """Make a browser available, the cheapest that this machine gives. Returns whether there is one now."""
    if os.environ.get("CHROMIUM") or shutil.which(SHELL):
        return True
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        _try("apt-get", "update", "-qq")
        _try("apt-get", "install", "-y", "-qq", "--no-install-recommends", SHELL)
        if not find():
            _try("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium")
    if not find():
        _try(sys.executable, "-m", "playwright", "install", "chromium")
    if find():
        return True
    print("No Chromium could be installed: the browser tests will be skipped.", file=sys.stderr)
    return False


def _of_playwright() -> str | None:
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def _try(*command: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL).returncode:
        print(f"'{' '.join(command)}' did not work here.", file=sys.stderr)


if __name__ == "__main__" and "--install" in sys.argv:
    sys.exit(0 if install() else 1)
