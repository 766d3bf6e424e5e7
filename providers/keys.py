"""API keys: where they are found, who owns them, and what to do when one is missing. Knows nothing of models.

A key lives in the environment, in a `.env` file or, pasted in the page, in the memory of this process; it is never
logged, written or shown: not even `repr` includes it.
"""

from __future__ import annotations

import io
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dotenv.parser import parse_stream

from providers.provider import Account
from studio.errors import BadRequest, NotReady
from studio.validation import UNSEEN

MAX_KEY = 4_000
"""Characters; the longest pasted keys have 164 (OpenAI's project keys, November 2026). Tokens from signing in with
Hugging Face are JWTs."""
MAX_OWNERS = 2000
"""Visitors whose pasted keys are remembered; the least recently seen is forgotten first."""
SHELL, PASTED = "the environment", "this session"
"""Possible sources of a key besides a file."""


@dataclass(frozen=True)
class Key:
    """A key and its source. `str` and `repr` omit the key."""

    account: Account
    value: str = field(repr=False)
    source: str  # SHELL, PASTED, or the path of a .env file


class Keys:
    """The keys of this process. Thread-safe.

    A pasted key takes precedence over the host's for whoever pasted it. New lines of a `.env` file count at once.
    """

    def __init__(
        self, environment: Mapping[str, str] | None = None, files: Sequence[Path] = (), *, lend: bool = True
    ) -> None:
        """
        Args:
            environment: None: that of this process, read at every lookup.
            files: `.env` files in order of precedence; the first is also the one to write to.
            lend: whether the host's keys pay for everybody. Off where anyone may come in: visitors bring their own.
        """
        self._environment = environment
        self._files = tuple(files)
        self._lend = lend
        self._lock = threading.Lock()
        self._pasted: OrderedDict[str, dict[str, str]] = OrderedDict()  # owner -> provider -> key

    def __repr__(self) -> str:
        return f"Keys(files={[str(file) for file in self._files]}, lend={self._lend})"

    def paste(self, owner: str, account: Account, value: object) -> None:
        """Remember a key for this owner until the process ends; an empty one removes it.

        Raises:
            BadRequest: it cannot be a key. The message does not repeat it.
        """
        if not isinstance(value, str):
            raise BadRequest(f"The {account.provider} key must be text.")
        key = value.strip(UNSEEN)
        if len(key) > MAX_KEY or not all(" " < one < "\x7f" for one in key):
            raise BadRequest(
                f"This is not a valid {account.provider} key: keys are at most {MAX_KEY} letters, digits and signs "
                f"without blanks. Copy it again from {account.keys_url}."
            )
        with self._lock:
            keys = self._pasted.setdefault(owner, {})
            self._pasted.move_to_end(owner)
            keys[account.provider] = key
            if not key:
                del keys[account.provider]
            while len(self._pasted) > MAX_OWNERS:
                self._pasted.popitem(last=False)

    def find(self, owner: str, account: Account) -> Key | None:
        """The key this owner pays with at a provider."""
        with self._lock:
            pasted = self._pasted.get(owner, {}).get(account.provider)
            if pasted:
                self._pasted.move_to_end(owner)
        if pasted:
            return Key(account, pasted, PASTED)
        return self._of_host(account) if self._lend else None

    def need(self, owner: str, account: Account) -> Key:
        """
        Raises:
            NotReady: there is none; says which line to add where.
        """
        key = self.find(owner, account)
        if key is None:
            raise NotReady(f"{account.provider} needs an API key: {self.where_to_write(account)}")
        return key

    def where_to_write(self, account: Account) -> str:
        """What to do about a missing key, as the end of a sentence."""
        pasting = "paste it in the page for this session only"
        if not self._lend:
            return f"get one at {account.keys_url} and {pasting}."
        return f"get one at {account.keys_url} and write {account.name}=... into {self.file_to_write}, or {pasting}."

    @property
    def file_to_write(self) -> str:
        """The .env file to add a line to; "" where the host's keys do not concern the user."""
        if not self._lend:
            return ""
        return str(self._files[0]) if self._files else ".env"

    def _of_host(self, account: Account) -> Key | None:
        environment = os.environ if self._environment is None else self._environment
        for name in account.names:
            if value := environment.get(name, "").strip():
                return Key(account, value, SHELL)
        for file in self._files:
            lines = read_env(file)
            for name in account.names:
                if value := lines.get(name, "").strip():
                    return Key(account, value, str(file))
        return None


def read_env(path: Path) -> dict[str, str]:
    """The KEY=value lines of a .env file, such as HF_TOKEN=...; other lines are ignored, and nothing is logged.

    Quotes, spaces, `export` and comments (# after a space) are removed.
    """
    try:
        told = path.read_bytes()
        text = told.decode("utf-16" if told[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8")  # PowerShell writes UTF-16
    except (OSError, UnicodeDecodeError):
        return {}
    # Line by line, so that an unclosed quote affects no other key; uses the parser directly, since it logs nothing.
    # "NAME=#" starts a comment here, as "NAME= #" does there.
    lines = (re.sub(r"^([^=]*=)#", r"\1 #", line.strip(UNSEEN)) for line in text.splitlines())
    parts = (part for line in lines for part in parse_stream(io.StringIO(line)))
    return {part.key: (part.value or "").strip(UNSEEN) for part in parts if part.key and part.key.isidentifier()}
