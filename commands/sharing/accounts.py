"""User accounts: names from the command line, and a file with password hashes. Knows no HTTP."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import os
import secrets
import threading
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from studio.errors import BadRequest
from studio.library import files

log = logging.getLogger(__name__)

USERS_FILE = "users.json"
LONGEST_NAME, SHORTEST_PASSWORD, LONGEST_PASSWORD = 64, 8, 1_000
_COST = (2**15, 8, 3)
"""n, r and p of scrypt: 32 MB and 0.2 s per guess.
Source: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#scrypt"""
_MOST_MEMORY = 2**27
"""Bytes; a file that asks for more is rejected."""


@dataclass(frozen=True)
class User:
    """One user of the file: name and password hash."""

    name: str
    is_admin: bool
    cost: tuple[int, int, int] = _COST
    salt: bytes = field(default=b"", repr=False)
    digest: bytes = field(default=b"", repr=False)

    @classmethod
    def made(cls, name: str, password: str, *, is_admin: bool) -> User:
        salt = secrets.token_bytes(16)
        return cls(name, is_admin, _COST, salt, _digest(password, salt, _COST))

    @classmethod
    def read(cls, name: str, said: dict) -> User:
        """Raises ValueError, TypeError, KeyError or AttributeError if it was not made by `written`."""
        n, r, p, salt, digest = said["scrypt"].split("$")
        cost = int(n), int(r), int(p)
        if 128 * cost[0] * cost[1] > _MOST_MEMORY or not 1 <= cost[2] <= 16:
            raise ValueError(f"the cost {cost} is too high")
        decode = base64.b64decode
        return cls(name, said.get("admin") is True, cost, decode(salt, validate=True), decode(digest, validate=True))

    def written(self) -> dict:
        """The JSON entry."""
        encoded = (base64.b64encode(part).decode() for part in (self.salt, self.digest))
        return {"scrypt": "$".join([*map(str, self.cost), *encoded]), "admin": self.is_admin}

    def has(self, password: str) -> bool:
        return hmac.compare_digest(_digest(password, self.salt, self.cost), self.digest)


def _digest(password: str, salt: bytes, cost: tuple[int, int, int]) -> bytes:
    n, r, p = cost
    said = unicodedata.normalize("NFKC", password).encode("utf-8", "replace")
    return hashlib.scrypt(said, salt=salt, n=n, r=r, p=p, maxmem=2 * _MOST_MEMORY, dklen=32)


class UsersFile:
    """The users in a file, which is reread when it changes. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._users: dict[str, User] = {}

    def users(self) -> dict[str, User]:
        """By name. A missing or damaged file admits nobody."""
        with self._lock:
            try:
                about = self.path.stat()
                seen = about.st_mtime_ns, about.st_size, about.st_ino
                if seen != self._seen:
                    self._users, self._seen = self.read(), seen
            except FileNotFoundError:
                self._users, self._seen = {}, None
            except (OSError, BadRequest) as error:
                log.warning("Nobody of %s may sign in: %s", self.path, error)
                self._users = {}
            return self._users

    def read(self) -> dict[str, User]:
        """The users currently in the file; none without a file.

        Raises:
            BadRequest: it is not a users file.
        """
        try:
            said = json.loads(self.path.read_bytes())
            return {name: User.read(name, each) for name, each in said.items()}
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise BadRequest(
                f"{self.path} is not a users file. Move it away and make a new one: python cli.py user add NAME."
            ) from error

    def put(self, user: User) -> None:
        """Add a user, or change an existing one's password."""
        self._write(self.read() | {user.name: user})

    def remove(self, name: str) -> None:
        """
        Raises:
            BadRequest: there is no such user.
        """
        users = self.read()
        if users.pop(name, None) is None:
            known = f"It has {', '.join(sorted(users))}." if users else "It has no users."
            raise BadRequest(f"{self.path} has no user '{name:.64}'. {known}")
        self._write(users)

    def close_to_others(self) -> None:
        """Remove other users' permissions on the file."""
        with suppress(OSError):  # missing, or owned by somebody else
            os.chmod(self.path, 0o600)

    def _write(self, users: Mapping[str, User]) -> None:
        said = json.dumps({name: user.written() for name, user in sorted(users.items())}, indent=1, ensure_ascii=False)
        folder = self.path.absolute().parent
        with files.storage_errors(folder):
            os.replace(files.write_temporary(folder, lambda file: file.write(f"{said}\n".encode())), self.path)
            files.sync_folder(folder)


class Users:
    """Everybody who may sign in: those named in the options, and those in the file."""

    def __init__(self, named: Mapping[str, str], file: UsersFile | None = None) -> None:
        """
        Args:
            named: passwords by name from the command line; they take precedence over the file.
        """
        self._named, self._file = dict(named), file
        self._one_at_a_time = threading.Lock()  # bounds the memory of concurrent guesses
        self._nobody = User("", False, salt=secrets.token_bytes(16), digest=b"")

    async def admits(self, name: str, password: str) -> bool:
        """Whether this is the user's password; unknown names take just as long."""
        return await asyncio.to_thread(self._admits, name, password)

    def _admits(self, name: str, password: str) -> bool:
        right = self._named.get(name)
        is_right = right is not None and hmac.compare_digest(
            *(one.encode("utf-8", "replace") for one in (right, password))
        )
        if self._file is None or len(password) > LONGEST_PASSWORD:
            return is_right
        user = self._users().get(name, self._nobody)
        with self._one_at_a_time:
            has = user.has(password)
        return has if right is None else is_right

    def session_mark(self, name: str) -> str | None:
        """A value that changes when sessions under this name must end; None: nobody of that name may sign in."""
        if name in self._named:
            return "named"
        user = self._users().get(name)
        return None if user is None else user.digest.hex()

    def admits_owner(self, owner: str) -> bool:
        """Whether an owner's jobs still run: always, for owners that are not named users."""
        name = owner.removeprefix(owner_named(""))
        return name == owner or self.session_mark(name) is not None

    def is_admin(self, name: str) -> bool:
        user = self._users().get(name)
        return name not in self._named and user is not None and user.is_admin

    def _users(self) -> dict[str, User]:
        return self._file.users() if self._file else {}


def owner_named(user: str | None) -> str:
    """The owner id for a user name."""
    return f"user-{user}"


def checked_name(name: str) -> str:
    """
    Raises:
        BadRequest: it is not a valid user name.
    """
    name = unicodedata.normalize("NFC", name)
    is_plain = name.isprintable() and name == name.strip() and not set(name) & set(":/\\")
    if not name or not is_plain or len(name) > LONGEST_NAME:
        raise BadRequest(
            f"A name has 1 to {LONGEST_NAME} characters, without : / \\ and blanks at its ends, not '{name:.64}'."
        )
    return name


def checked_password(password: str) -> str:
    """
    Raises:
        BadRequest: it is too short. The message does not repeat it.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise BadRequest(
            f"A password has {SHORTEST_PASSWORD} characters or more, not {len(password)}. Choose a longer one."
        )
    return password
