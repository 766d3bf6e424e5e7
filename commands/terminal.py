"""How both commands behave in a terminal: unprintable characters do not crash them, Ctrl+C prints no traceback.

Loaded before anything slow, so it imports little. Knows nothing about Diorama.
"""

from __future__ import annotations

import _thread  # `threading` and `typing` take longer to import than this whole module
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from io import TextIOWrapper
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)  # Ctrl+C; systemd, Docker and Spaces
_PIPE_CLOSED = 141  # a shell's status for a program ended by SIGPIPE
_STARTED_AGAIN = "DIORAMA_STARTED_AGAIN"  # Unix time of the restart, for the next process
_APART_SECONDS = 300.0  # a restart that fails sooner is not repeated


def prepare() -> None:
    """Make the standard streams safe for any text, and let Ctrl+C end the process while it is still importing.

    Signals are handled even if a script's shell ignored them, as `sh` does for commands started with `&`.
    """
    for number in range(3):  # a closed stream's number would go to the next open file, which would then get all output
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
    """Run a command and end the process with its status. A signal raises KeyboardInterrupt; a second one ends at once.

    Args:
        seconds_to_leave: how long the command may clean up after a signal; None: unlimited.
    """
    interrupt = _Interrupt(seconds_to_leave)
    for each in _SIGNALS:
        signal.signal(each, interrupt)
    try:
        status = command()
        status = status and (interrupt.status or status)  # a failure after a signal was caused by it
        _flush()
    except BrokenPipeError:
        status = interrupt.status or _PIPE_CLOSED
    except SystemExit as leaving:  # argparse has reported why
        status = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:  # whatever a KeyboardInterrupt turned into on its way here
        if not interrupt.status:
            raise
        status = interrupt.status
    with suppress(OSError):
        _flush()
    os._exit(status)  # a normal exit waits for threads, and prints tracebacks if interrupted


def may_start_again() -> bool:
    """Whether the last restart was long enough ago."""
    return time.time() - float(os.environ.get(_STARTED_AGAIN, "0")) > _APART_SECONDS


def start_again() -> int:
    """Run the same command line again in place of this process; called when everything is closed.

    Returns:
        The exit status, on Windows; elsewhere it does not return.
    """
    os.environ[_STARTED_AGAIN] = str(time.time())
    command = [sys.executable, *sys.orig_argv[1:]]
    _flush()
    if os.name != "nt":  # there, the terminal would consider the process ended
        os.execv(sys.executable, command)
    return os.spawnv(os.P_WAIT, sys.executable, command)


class _Interrupt:
    """The signal handler."""

    def __init__(self, seconds_to_leave: float | None) -> None:
        self.status = 0  # the exit status, once there was a signal
        self._seconds = seconds_to_leave

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        self.status = 128 + number
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        sys.unraisablehook = lambda _: None  # no tracebacks from what is interrupted on purpose
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
