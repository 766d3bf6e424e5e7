"""Words about pictures and prompts: asked of a provider on threads of the cloud lane, within its deadline.

A description is kept with its picture whoever still waits for it: it was paid for. Knows no provider and no layout.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, NamedTuple

from studio.clouds.contract import Clouds
from studio.contract import Progress, Tell
from studio.errors import BadPicture, BadRequest, Cancelled, NotFound, NotReady, StudioError
from studio.intake.picture import read_picture
from studio.library.assets import Asset
from studio.library.store import Store
from studio.scheduling.changes import Changes
from studio.validation import MAX_PROMPT, cleaned, says_something, shown

MOST_AT_ONCE = 4
"""Answers one owner may be waiting for."""
MAX_DESCRIPTION = 2_000
"""Characters."""


class Asked(NamedTuple):
    """A question on its way. `answer` ends with the answer, a StudioError, or Cancelled after `stop`."""

    answer: Future[Any]
    stop: Callable[[], None]  # wait no longer; what was sent may be charged all the same


class Describing:
    """Any thread may ask; none of the methods waits."""

    def __init__(
        self, clouds: Clouds, store: Store, changes: Changes, later: Callable[[str, Callable[[], object]], None]
    ) -> None:
        """
        Args:
            later: does something on a thread of the cloud lane; the first argument names it.
        """
        self._clouds, self._store, self._changes, self._later = clouds, store, changes, later
        self._lock = threading.Lock()
        self._asked: dict[tuple[str, str], Asked] = {}  # (owner, what)
        self._closing = threading.Event()

    def describe(self, owner: str, asset_id: str) -> Asked:
        """Ask what is to be seen on a picture, and keep it there. The answer is the asset.

        Asked for twice at once, the picture is sent once.

        Raises:
            NotFound: there is no such picture.
            BadRequest: it is none, or too many answers are awaited.
            NotReady: nobody can say.
        """
        asset = self._store.asset(owner, asset_id)
        if asset.deleted:
            raise NotFound("picture", asset_id)
        if asset.kind not in ("image", "object"):
            raise BadRequest(f"{shown(asset.title)} is a {asset.kind}, not a picture. Describe the picture it is from.")
        return self._ask(owner, f"describe {asset.id}", partial(self._describe, asset))

    def improve_prompt(self, owner: str, prompt: str) -> Asked:
        """Ask for the same wish, said so that an image model understands more of it. The answer is text.

        Raises:
            BadRequest: there is nothing to improve, or too many answers are awaited.
            NotReady: nobody can.
        """
        if not isinstance(prompt, str):
            raise BadRequest(f"The prompt must be text, not {shown(prompt)}.")
        if len(prompt) > MAX_PROMPT:
            raise BadRequest(f"The prompt has {len(prompt):,} characters; {MAX_PROMPT:,} is the most. Shorten it.")
        wish = cleaned(prompt)
        if not says_something(wish):
            raise BadRequest("There is no prompt to improve. Write what you want to see, in a few words.")
        return self._ask(owner, f"improve {wish}", lambda tell: self._clouds.improve_prompt(owner, wish, tell))

    def close(self) -> None:
        """End all waiting."""
        with self._lock:
            self._closing.set()
            waiting = list(self._asked.values())
        for asked in waiting:
            asked.answer.cancel()  # one that has not begun; the others hear of it by their `tell`

    def _ask(self, owner: str, what: str, work: Callable[[Tell], Any]) -> Asked:
        if not self._clouds.reader(owner):
            raise NotReady(self._what_it_needs(owner))
        with self._lock:
            known = self._asked.get((owner, what))
            if known is not None:
                return known
            if sum(each == owner for each, _ in self._asked) >= MOST_AT_ONCE:
                raise BadRequest(f"You are waiting for {MOST_AT_ONCE} answers already. Wait for one, or stop one.")
            stopped = threading.Event()
            asked = self._asked[owner, what] = Asked(Future(), stopped.set)
        asked.answer.add_done_callback(lambda _: self._forget(owner, what))

        def tell(_progress: Progress) -> None:
            if stopped.is_set() or self._closing.is_set():
                raise Cancelled

        self._later(f"{what} of {owner}", partial(_answer, asked.answer, partial(work, tell)))
        if self._closing.is_set():
            asked.answer.cancel()
        return asked

    def _forget(self, owner: str, what: str) -> None:
        with self._lock:
            self._asked.pop((owner, what), None)

    def _describe(self, asset: Asset, tell: Tell) -> Asset:
        try:
            picture = read_picture(self._store.path(asset.owner, asset.id)).image
        except BadPicture as error:
            raise BadPicture(f"The file of {shown(asset.title)} cannot be read any more: {error}") from error
        said = self._clouds.describe(asset.owner, picture, tell)
        described = self._store.describe(asset.owner, asset.id, cleaned(said)[:MAX_DESCRIPTION])
        self._changes.note(asset.owner)
        return described

    def _what_it_needs(self, owner: str) -> str:
        keys = self._clouds.keys(owner)
        if not keys:
            return "No provider here puts pictures into words."
        return f"This needs the key of a provider, such as {keys[0].provider}: {keys[0].todo}"


def _answer(future: Future[Any], work: Callable[[], Any]) -> None:
    """Do the work and hand on what comes of it; a bug goes on to the lane, which logs it."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except (StudioError, Cancelled) as error:
        future.set_exception(error)
    finally:
        if not future.done():
            future.set_exception(StudioError("Something went wrong (the log has the details)."))
