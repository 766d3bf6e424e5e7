"""Writes down what a process opens, changes or starts outside of where it may: an audit hook.

It sees what Python opens; not what C libraries open by themselves, of which SQLite is told by name when it connects.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from mimetypes import knownfiles
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CACHES = ("TMPDIR", "GRADIO_TEMP_DIR", "HF_HOME", "XDG_CACHE_HOME", "TORCHINDUCTOR_CACHE_DIR")
"""Variables that name a folder for what is passing. Torch sets the last one itself in a process that has compiled."""
PLACES, REPORT = "DIORAMA_JAIL_PLACES", "DIORAMA_JAIL_REPORT"
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
_CHANGES = {"os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod", "os.chown", "os.utime", "shutil.rmtree"}
_CHANGES_OF_TWO = {"os.rename", "os.link", "os.symlink", "shutil.copyfile", "shutil.move"}
_LOOKS = {"os.listdir", "os.scandir"}
_STARTS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "pty.spawn"}
_NEVER = {"pickle.find_class", "ftplib.connect", "smtplib.connect", "webbrowser.open"}
_SYSTEM = ("/dev/null", "/dev/urandom", "/proc/", "/sys/", "/usr/share/zoneinfo", "/etc/localtime", *knownfiles)
_SECRET = tuple(str(ROOT / name) for name in (".env", ".git", "outputs"))
_HERE = ("127.0.0.1", "localhost", "::1", "0.0.0.0", "", None)


def environment(report: Path, *places: Path) -> dict[str, str]:
    """With these variables a Python process reports what it does outside of the `places`, in which it may do all."""
    paths = os.pathsep.join([str(ROOT), str(Path(__file__).parent / "jailed")])
    named = os.pathsep.join(os.path.realpath(place) for place in places)
    return {"PYTHONPATH": paths, PLACES: named, REPORT: str(report), "PYTHONDONTWRITEBYTECODE": "1"}


class Jail:
    """Attributes: `may_start` says whether other programs may be started."""

    def __init__(self, report: int, places: list[str]) -> None:
        """
        Args:
            report: descriptor of the file that gets a line for each thing that must not be.
            places: folders in which everything is allowed.
        """
        self.may_start = False
        self._report, self._places = report, tuple(places)
        prefixes = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values()}
        self._readable = (*places, str(ROOT), *prefixes, *map(os.path.realpath, prefixes), *_SYSTEM)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            self._look(event, path, is_write=bool((flags or 0) & _WRITING))
        elif event in _CHANGES:
            if os.path.basename(os.fsdecode(arguments[0])) != arguments[0] or arguments[-1] == -1:
                self._look(event, arguments[0], is_write=True)  # else a name in a folder that was open already
        elif event in _CHANGES_OF_TWO:
            for path in arguments[:2]:
                self._look(event, path, is_write=True)
        elif event in _LOOKS:
            self._look(event, arguments[0] or ".", is_write=False)
        elif event == "sqlite3.connect":
            self._look(event, arguments[0], is_write=True)
        elif event in _NEVER or (event in _STARTS and not self.may_start):
            self._tell(f"{event} {arguments!r}")
        elif event == "socket.getaddrinfo" and arguments[0] not in _HERE:
            self._tell(f"{event} {arguments[0]}")
        elif event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] not in _HERE:
            self._tell(f"{event} {arguments[1]}")

    def _look(self, event: str, path: Any, *, is_write: bool) -> None:
        if not isinstance(path, str | bytes | os.PathLike) or path in ("", ":memory:"):
            return  # a descriptor that somebody had opened
        name = os.path.realpath(os.fsdecode(path))
        may = (*self._places, os.devnull) if is_write else self._readable
        if not name.startswith(may) or name.startswith(_SECRET):
            self._tell(f"{event}, {'to write' if is_write else 'to read'}: {name}")

    def _tell(self, line: str) -> None:
        os.write(self._report, line[:500].encode("utf-8", "backslashreplace") + b"\n")


def install() -> Jail:
    """Watch this process from now on, as its environment says."""
    report = os.open(os.environ[REPORT], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    jail = Jail(report, os.environ[PLACES].split(os.pathsep))
    sys.addaudithook(jail)
    return jail
