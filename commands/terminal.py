"""How both commands behave in a terminal: unprintable characters do not crash them, and Ctrl+C prints no traceback.

It is loaded before anything slow, so it imports little. Knows nothing about Diorama.
"""

from __future__ import annotations

import _thread  # `threading` and `typing` take longer to import than all of this
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from io import TextIOWrapper
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)  # Ctrl+C, and how systemd, Docker and Spaces say it
_PIPE_CLOSED = 141  # what a shell tells of a program that SIGPIPE ended
_STARTED_AGAIN = "DIORAMA_STARTED_AGAIN"  # the variable that tells the next process when, in Unix time
_APART_SECONDS = 300.0  # what fails again at once is not helped by a third start


def prepare() -> None:
    """Make standard streams fit for anything, and let Ctrl+C end the process while it is still loading its parts.

    Signals are heard also where a script's shell had them ignored, as `sh` has for what it starts with `&`.
    """
    for number in range(3):  # the next file to be opened would get the number of a closed one, and all that is printed
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    for each in _SIGNALS:
        signal.signal(each, lambda number, _frame: os._exit(128 + number))


def run(command: Callable[[], int], *, seconds_to_leave: float | None = None) -> None:
    """Run a command and end the process with its status; a signal is a KeyboardInterrupt in it, a second one the end.

    Args:
        seconds_to_leave: how long the command may tidy up after a signal; None: as long as it takes.
    """
    interrupt = _Interrupt(seconds_to_leave)
    for each in _SIGNALS:
        signal.signal(each, interrupt)
    try:
        status = command()
        status = status and (interrupt.status or status)  # what went wrong after a signal did so because of it
        _flush()
    except BrokenPipeError:
        status = interrupt.status or _PIPE_CLOSED
    except SystemExit as leaving:  # argparse has said why
        status = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:  # whatever came of a KeyboardInterrupt on its way here
        if not interrupt.status:
            raise
        status = interrupt.status
    with suppress(OSError):
        _flush()
    os._exit(status)  # Python's own way out waits for threads, and has traces for what is interrupted there


def may_start_again() -> bool:
    """Whether the last time was long enough ago."""
    return time.time() - float(os.environ.get(_STARTED_AGAIN, "0")) > _APART_SECONDS


def start_again() -> int:
    """Run the same command line again, in place of this process; called when everything is closed.

    Returns:
        The exit status, on Windows: elsewhere it does not return.
    """
    os.environ[_STARTED_AGAIN] = str(time.time())
    command = [sys.executable, *sys.orig_argv[1:]]
    _flush()
    if os.name != "nt":  # there, the terminal would take the process for ended
        os.execv(sys.executable, command)
    return os.spawnv(os.P_WAIT, sys.executable, command)


class _Interrupt:
    """The handler of signals."""

    def __init__(self, seconds_to_leave: float | None) -> None:
        self.status = 0  # of the process, once there was a signal
        self._seconds = seconds_to_leave

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        self.status = 128 + number
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        sys.unraisablehook = lambda _: None  # what is broken off may complain, but not to the person who wanted it
        if self._seconds is not None:
            _thread.start_new_thread(_leave_after, (self._seconds, self.status))
        raise KeyboardInterrupt


def _leave_after(seconds: float, status: int) -> None:
    time.sleep(seconds)
    os._exit(status)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
