"""Descriptions of pictures and better prompts: from a provider if there is a key, else from a local model.

A description is stored with its picture even if nobody waits for it any more: it was paid for. Knows no provider,
no model and no layout.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, NamedTuple

from PIL import Image

from studio.clouds.contract import Clouds
from studio.contract import ModelSpec, Progress, Task, Tell
from studio.errors import BadPicture, BadRequest, Cancelled, NotReady, StudioError
from studio.intake.picture import read_picture
from studio.library.assets import Asset, present
from studio.library.store import Store
from studio.residents import Residents
from studio.scheduling.changes import Changes
from studio.scheduling.lanes import LaneName
from studio.validation import bounded_text, cleaned, says_something, shown
from studio.words.local import LocalWords

MOST_AT_ONCE = 4
"""Pending answers per owner."""
MAX_DESCRIPTION = 2_000
"""Characters."""
LOCAL_LANE: LaneName = "words"
"""A lane of its own, so that neither pictures nor providers wait for text models."""


class Asked(NamedTuple):
    """A pending question. `answer` ends with the answer, a StudioError, or Cancelled after `stop`."""

    answer: Future[Any]
    stop: Callable[[], None]  # stop waiting; what was sent may still be charged


class Describing:
    """Thread-safe; no method waits."""

    def __init__(
        self,
        clouds: Clouds,
        changes: Changes,
        store: Store,
        models: Callable[[Task], list[ModelSpec]],
        residents: Residents,
        later: Callable[[LaneName, str, Callable[[], object]], None],
        is_toy: Callable[[str, str], bool],
    ) -> None:
        """
        Args:
            later: runs something on a thread of a lane; the second argument names it.
            is_toy: owner and id of a picture -> whether it shows the toy world.
        """
        self._clouds, self._changes, self._store = clouds, changes, store
        self._local, self._later, self._is_toy = LocalWords(models, residents), later, is_toy
        self._lock = threading.Lock()
        self._asked: dict[tuple[str, str], Asked] = {}  # (owner, what)
        self._closing = threading.Event()

    def describe(self, owner: str, asset_id: str) -> Asked:
        """Ask for a description of a picture, and store it there. The answer is the asset.

        Concurrent requests send the picture once.

        Raises:
            NotFound: there is no such picture.
            BadRequest: it is not a picture, or too many answers are pending.
            NotReady: nobody can answer.
        """
        asset = present(self._store.asset(owner, asset_id))
        if asset.kind not in ("image", "object"):
            raise BadRequest(f"{shown(asset.title)} is a {asset.kind}, not a picture. Describe the picture it is from.")
        what = f"describe {asset.id}"
        if self._clouds.reader(owner):
            say = partial(self._clouds.describe, owner)
            return self._ask(owner, "cloud", what, partial(self._describe, asset, say))
        spec = self._local.describer(self._is_toy(owner, asset.id))
        if spec is None:
            raise NotReady(self._what_it_needs(owner, Task.DESCRIBE))
        return self._ask(owner, LOCAL_LANE, what, partial(self._describe, asset, partial(self._local.describe, spec)))

    def reader(self, owner: str, asset_id: str) -> str:
        """Who would describe a picture, as people call it; "" for nobody."""
        if provider := self._clouds.reader(owner):
            return provider
        spec = self._local.describer(self._is_toy(owner, asset_id))
        return spec.label if spec else ""

    def improver(self, owner: str, *, for_toys: bool = True) -> str:
        """Who would improve a prompt; "" for nobody.

        Args:
            for_toys: the image model knows only the toy world, or is unknown.
        """
        spec = self._local.improver(for_toys=for_toys)
        return self._clouds.reader(owner) or (spec.label if spec else "")

    def improve_prompt(self, owner: str, prompt: str, *, for_toys: bool = True) -> Asked:
        """Ask for the prompt reworded so that an image model understands more of it. The answer is text.

        Args:
            for_toys: as for `improver`.

        Raises:
            BadRequest: there is nothing to improve, or too many answers are pending.
            NotReady: nobody can answer.
        """
        wish = bounded_text("prompt", prompt)
        if not says_something(wish):
            raise BadRequest("There is no prompt to improve. Write what you want to see, in a few words.")
        if self._clouds.reader(owner):
            say = partial(self._clouds.improve_prompt, owner, wish)
            return self._ask(owner, "cloud", f"improve {wish}", say)
        spec = self._local.improver(wish, for_toys=for_toys)
        if spec is None:
            toy = self._local.improver(for_toys=for_toys)
            why = f"{toy.label} knows only the toy world, and this is about something else. " if toy else ""
            raise NotReady(why + self._what_it_needs(owner, Task.IMPROVE))
        return self._ask(owner, LOCAL_LANE, f"improve {wish} by {spec.id}", partial(self._local.improve, spec, wish))

    def close(self) -> None:
        """End all waiting."""
        with self._lock:
            self._closing.set()
            waiting = list(self._asked.values())
        for asked in waiting:
            asked.answer.cancel()  # if it has not begun; others are stopped through `tell`

    def _ask(self, owner: str, lane: LaneName, what: str, work: Callable[[Tell], Any]) -> Asked:
        with self._lock:
            known = self._asked.get((owner, what))
            if known is not None:
                return known
            if sum(each == owner for each, _ in self._asked) >= MOST_AT_ONCE:
                raise BadRequest(f"You are waiting for {MOST_AT_ONCE} answers already. Wait for one, or stop one.")
            stopped = threading.Event()

            def stop() -> None:
                stopped.set()
                self._forget(owner, what, answer)  # who asks again waits for another answer

            answer: Future[Any] = Future()
            asked = self._asked[owner, what] = Asked(answer, stop)
        answer.add_done_callback(lambda done: self._forget(owner, what, done))

        def tell(_progress: Progress) -> None:
            if stopped.is_set() or self._closing.is_set():
                raise Cancelled

        self._later(lane, f"{what} of {owner} {id(answer)}", partial(_answer, answer, partial(work, tell)))
        if self._closing.is_set():
            asked.answer.cancel()
        return asked

    def _forget(self, owner: str, what: str, answer: Future[Any]) -> None:
        with self._lock:
            if (known := self._asked.get((owner, what))) and known.answer is answer:
                del self._asked[owner, what]

    def _describe(self, asset: Asset, say: Callable[[Image.Image, Tell], str], tell: Tell) -> Asset:
        try:
            picture = read_picture(self._store.path(asset.owner, asset.id)).image
        except BadPicture as error:
            raise BadPicture(f"The file of {shown(asset.title)} cannot be read any more: {error}") from error
        said = say(picture, tell)
        described = self._store.describe(asset.owner, asset.id, cleaned(said)[:MAX_DESCRIPTION])
        self._changes.note(asset.owner)
        return described

    def _what_it_needs(self, owner: str, task: Task) -> str:
        keys, spec = self._clouds.keys(owner), self._local.could(task)
        local = f" Or download {spec.label}: `python cli.py download {spec.id}`." if spec else ""
        if not keys:
            return f"No provider here describes pictures.{local}"
        return f"This needs the key of a provider, such as {keys[0].provider}: {keys[0].todo}{local}"


def _answer(future: Future[Any], work: Callable[[], Any]) -> None:
    """Do the work and set the result; a bug is raised to the lane, which logs it."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except (StudioError, Cancelled) as error:
        future.set_exception(error)
    finally:
        if not future.done():
            future.set_exception(StudioError("Something went wrong (the log has the details)."))
