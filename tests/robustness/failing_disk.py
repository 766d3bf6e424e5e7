"""System calls that fail while a picture is kept, and what the next start makes of it: run by `test_faults.py`.

A filter of the kernel (seccomp) answers a system call with an error, as a broken disk would. It stays until the process
ends; so each fault has a forked one, and the next start is another.
Source: seccomp(2), linux/filter.h, linux/seccomp.h, linux/audit.h; the numbers are those of x86_64 and aarch64.
"""

from __future__ import annotations

import ctypes
import errno
import json
import platform
import struct
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from studio.service import Studio
from tests.studio.crashing import child
from tests.studio.fakes import OWNER, FakeModel, ask, finished, spec_of

CALLS = {
    "x86_64": (0xC000003E, {"fsync": (74,), "rename": (82, 264, 316)}),
    "aarch64": (0xC00000B7, {"fsync": (82,), "rename": (38, 276)}),
}
"""The architecture as audit names it, and the numbers of the calls."""
FAULTS = (("fsync", "EIO"), ("rename", "ENOSPC"), ("rename", "EROFS"), ("rename", "EACCES"))
_LOAD, _IS, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_SET_NO_NEW_PRIVS, _SET_FILTER, _ALL_THREADS = 38, 1, 1
Say = Callable[[str, object], None]
_SECCOMP = {"x86_64": 317, "aarch64": 277}


class Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def refuse(call: str, number: int) -> None:
    """From now on this system call fails with this error in every thread of the process.

    Raises:
        OSError: the kernel takes no filter.
    """
    machine, numbers = CALLS[platform.machine()]
    calls = numbers[call]
    steps = [(_LOAD, 0, 0, 4), (_IS, 0, len(calls) + 1, machine), (_LOAD, 0, 0, 0)]
    steps += [(_IS, len(calls) - index, 0, one) for index, one in enumerate(calls)]
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _ERROR | number)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *step) for step in steps))
    program = Program(len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    if libc.syscall(_SECCOMP[platform.machine()], _SET_FILTER, _ALL_THREADS, ctypes.byref(program)):
        raise OSError(ctypes.get_errno(), "seccomp")


def opened(outputs: Path) -> Studio:
    return Studio([spec_of(FakeModel(steps=1))], outputs)


def fail(outputs: Path, call: str, error: str) -> dict[str, list]:
    """A good picture, then one while the call fails."""

    def work(say: Say) -> None:
        studio = opened(outputs)
        say("good", list(finished(studio, ask(studio)).assets))
        refuse(call, getattr(errno, error))
        job = finished(studio, ask(studio))
        say("job", [job.id, job.state, job.error])

    return child(work)


def look(outputs: Path, good: list[str]) -> dict[str, list]:
    """The next start, on a disk that works."""

    def work(say: Say) -> None:
        studio = opened(outputs)
        for asset in studio.gallery(OWNER).assets:
            with Image.open(studio.path(OWNER, asset.id)) as image:
                image.load()
        say("kept", {*good} <= {asset.id for asset in studio.gallery(OWNER).assets})
        say("next", finished(studio, ask(studio)).state)
        say("leftovers", [path.name for path in outputs.rglob(".writing-*")])
        studio.close()

    return child(work)


def main(folder: Path) -> None:
    if platform.machine() not in CALLS:
        print(f"no filter is known for {platform.machine()}")
        return
    said = {}
    for call, error in FAULTS:
        outputs = folder / f"{call}-{error}"
        failed = fail(outputs, call, error)
        if any("Operation not permitted" in one or "Invalid argument" in one for one in failed.get("error", [])):
            print("no filter: the kernel takes none")
            return
        if "job" not in failed:
            sys.exit(str(failed))
        found = look(outputs, failed["good"][0])
        said[f"{call} {error}"] = {"error": failed["job"][0][2], **{what: found[what][0] for what in found}}
    print(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
