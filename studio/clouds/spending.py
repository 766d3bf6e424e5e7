"""The cost of cloud pictures: estimates, today's total, and when to ask for confirmation.

Past costs are in the recipes, coming ones in the jobs; nothing else is stored. Text (describing, improving) costs a
fraction of a cent and is not counted, nor are charges for refused requests.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from studio.completion import default_size
from studio.contract import GenerateRequest, ImageRequest, IterateRequest, ModelSpec, Size
from studio.errors import BadRequest, OverBudget
from studio.library.database import Database
from studio.recipe import UPLOAD
from studio.validation import shown

DAILY_CAP_USD = 5.0
"""How much one person may spend a day without confirming, by default."""
_SET_BACK_SECONDS = 7 * 86_400.0
"""Pictures dated up to this far ahead were made today, before the clock was set back; others, while it was wrong."""


class Spent(NamedTuple):
    """One owner's day, in US dollars."""

    made: float  # pictures: the bill, or the estimate if the provider sends none
    coming: float  # waiting and running jobs, estimated
    cap: float | None  # None: never asked

    @property
    def total(self) -> float:
        return self.made + self.coming


class Spending:
    """Thread-safe."""

    def __init__(
        self,
        database: Database,
        specs: Iterable[ModelSpec],
        cap_usd: float | None = DAILY_CAP_USD,
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        """
        Args:
            specs: the models; those of a provider cost.
            cap_usd: 0 asks before everything that costs; None never asks.
            now: local time, or with a time zone: a day begins at midnight there.
        """
        self._database, self._cap, self._now = database, cap_usd, now
        self._specs = {spec.id: spec for spec in specs if spec.provider}
        self._lock = threading.Lock()

    def today(self, owner: str) -> Spent:
        """Since midnight, deleted pictures included."""
        return Spent(self._made(owner), self._coming(owner), self._cap)

    @contextmanager
    def approved(
        self, owner: str, spec: ModelSpec, request: GenerateRequest | IterateRequest, *, confirmed: bool = False
    ) -> Iterator[None]:
        """Queue a complete request in this block. If only one of two requests fits under the cap, only one gets in.

        Raises:
            OverBudget: it would cost more than the cap leaves, and was not confirmed.
        """
        if not isinstance(confirmed, bool):
            raise BadRequest(f"A cost is either confirmed (true) or not (false); got {shown(confirmed)}.")
        if not spec.provider:
            yield
            return
        with self._lock:
            if not confirmed and self._cap is not None:
                self._ask(owner, spec, estimate(spec, request), self._cap)
            yield

    def _ask(self, owner: str, spec: ModelSpec, cost: float | None, cap: float) -> None:
        spent = self.today(owner).total
        if cost is None and spent >= cap:
            raise OverBudget(
                f"The price of {spec.label} is not known in advance, and today's {in_dollars(spent)} have reached the "
                f"daily cap of {in_dollars(cap)}."
            )
        if cost is not None and spent + cost > cap:
            raise OverBudget(
                f"This costs about {in_dollars(cost)}; with today's {in_dollars(spent)} that is more than the daily cap"
                f" of {in_dollars(cap)}."
            )

    def _made(self, owner: str) -> float:
        now = self._now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
        soon = now.timestamp() + _SET_BACK_SECONDS
        marks = ", ".join("?" * len(self._specs))
        rows = self._database.rows(
            "SELECT model, width, height, json_extract(recipe, '$.quality') AS quality,"
            " json_extract(recipe, '$.price_usd') AS price_usd FROM assets"
            f" WHERE owner = ? AND deleted IN (0, 1) AND model IN ({marks}) AND created >= ? AND created < ?"
            " AND category != ?",
            (owner, *self._specs, midnight, soon, UPLOAD),
        )
        paid = 0.0
        for row in rows:
            size = Size(row["width"], row["height"])
            bill = (
                _one(self._specs[row["model"]], size, row["quality"]) if row["price_usd"] is None else row["price_usd"]
            )
            paid += max(0.0, bill or 0.0)  # a recipe may contain anything
        return paid

    def _coming(self, owner: str) -> float:
        rows = self._database.rows(
            "SELECT model, pictures, request,"
            " (SELECT COUNT(*) FROM assets WHERE job_id = jobs.id AND job_id != '') AS made"
            " FROM jobs WHERE owner = ? AND lane = 'cloud' AND state IN ('waiting', 'running')",
            (owner,),
        )
        coming = 0.0
        for row in rows:
            request, spec = json.loads(row["request"]), self._specs.get(row["model"])
            if spec is not None:
                size = Size(*request["size"]) if request.get("size") else default_size(spec)
                left = max(0, row["pictures"] - row["made"])
                coming += left * (_one(spec, size, request.get("quality", "")) or 0.0)
        return coming


def estimate(spec: ModelSpec, request: GenerateRequest | IterateRequest) -> float | None:
    """The approximate cost of all pictures of a request; None if unknown, 0 for local models.

    Args:
        request: complete or not; missing values count as the model's defaults.
    """
    if not spec.provider:
        return 0.0
    size = request.size if isinstance(request, GenerateRequest) else None
    one = _one(spec, size or default_size(spec), request.quality)
    return None if one is None else one * request.count


def in_dollars(usd: float) -> str:
    """For people: "$5.00", "$0.13", "$0.034": two significant digits, but never fewer than cents."""
    if 0 < usd < 0.0005:
        return "less than $0.001"
    words = f"{usd:.3f}" if usd < 0.095 else f"{usd:.2f}0"
    return f"${words.removesuffix('0')}"


def read_cap(text: str) -> float | None:
    """The value of DIORAMA_DAILY_CAP_USD: dollars, "off" for none, "" for the default.

    Raises:
        BadRequest: anything else.
    """
    text = text.strip().removeprefix("$")
    if text.lower() == "off":
        return None
    try:
        cap = float(text) if text else DAILY_CAP_USD
    except ValueError:
        cap = math.nan
    if not 0 <= cap < math.inf:
        raise BadRequest(
            f"DIORAMA_DAILY_CAP_USD must be an amount in dollars per day such as 5, or off; got {shown(text)}."
        )
    return cap


def _one(spec: ModelSpec, size: Size, quality: str) -> float | None:
    """The estimate for one picture."""
    request = ImageRequest(prompt="", size=size, quality=quality)
    return spec.price_usd(request) if spec.price_usd else None
