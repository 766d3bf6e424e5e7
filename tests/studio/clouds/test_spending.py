"""What a day in the clouds costs, from what the files and the jobs say; and when it is asked whether it may be more."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from PIL import Image

from studio.clouds.spending import DAILY_CAP_USD, Spending, estimate, in_dollars, read_cap
from studio.contract import GenerateRequest, ImageRequest, ImageResult, ModelSpec, Size
from studio.errors import BadRequest, OverBudget
from studio.library.database import Database
from studio.service import Studio
from tests.patience import PATIENCE_SECONDS
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import FakeModel, ask, finished, picture, spec_of, until

SQUARE = Size(64, 64)


class Biller(FakeModel):
    """A cloud that sends a bill with every picture, or none."""

    def __init__(self, bill: float | None = None) -> None:
        super().__init__()
        self.bill = bill

    def run(self, request: ImageRequest, tell: Any) -> ImageResult:
        super().run(request, tell)
        return ImageResult(picture(request), None, price_usd=self.bill)


def priced(request: ImageRequest) -> float:
    """A dollar for a small square, twice that for "high"."""
    return request.size.width / 64 * (2.0 if request.quality == "high" else 1.0)


def cloud(model: FakeModel, id: str = "cloud", **changes: Any) -> ModelSpec:
    same: dict[str, Any] = {"provider": "Skies", "lane": "cloud", "price_usd": priced, "qualities": ("medium", "high")}
    return spec_of(model, id, **(same | changes))


@pytest.fixture
def biller() -> Biller:
    return Biller()


@pytest.fixture
def studio(open_studio: OpenStudio, biller: Biller) -> Studio:
    return open_studio(FakeModel(), cloud(biller))


def test_an_estimate_is_for_all_pictures_of_a_request():
    spec = cloud(FakeModel())
    assert estimate(spec, GenerateRequest("a ball", count=3)) == 3
    assert estimate(spec, GenerateRequest("a ball", size=Size(128, 64), quality="high", count=2)) == 8
    assert estimate(cloud(FakeModel(), price_usd=None), GenerateRequest("a ball")) is None
    assert estimate(spec_of(FakeModel()), GenerateRequest("a ball", count=8)) == 0


def test_a_picture_counts_with_its_bill_and_without_one_with_its_estimate(studio: Studio, biller: Biller):
    assert studio.spending.today("ada").total == 0
    finished(studio, ask(studio, owner="ada", model="cloud", quality="high"))
    assert studio.spending.today("ada").made == 2
    biller.bill = 0.25
    finished(studio, ask(studio, owner="ada", model="cloud", count=2))
    assert studio.spending.today("ada").made == 2.5
    finished(studio, ask(studio, owner="ada", model="fake", count=8))
    assert studio.spending.today("ada") == (2.5, 0, DAILY_CAP_USD)
    assert studio.spending.today("grace").total == 0


def test_what_was_paid_for_stays_paid_in_the_trash_and_after_a_rebuild(studio: Studio):
    job = finished(studio, ask(studio, owner="ada", model="cloud"))
    studio.delete("ada", job.assets)
    assert studio.spending.today("ada").made == 1
    studio.rebuild()
    assert studio.spending.today("ada").made == 1


def test_what_waits_and_runs_is_coming(studio: Studio, biller: Biller):
    biller.gated = True
    first = ask(studio, owner="ada", model="cloud", count=3)
    ask(studio, owner="grace", model="cloud", count=1)
    assert studio.spending.today("ada") == (0, 3, DAILY_CAP_USD)
    biller.wait_until_entered()
    biller.wait_until_entered()
    studio.cancel("grace", studio.jobs("grace")[0].id)
    biller.let_go()
    finished(studio, first)
    assert studio.spending.today("ada") == (3, 0, DAILY_CAP_USD)


def test_more_than_the_cap_leaves_is_asked_for_once_more_and_taken_when_confirmed(studio: Studio):
    finished(studio, ask(studio, owner="ada", model="cloud", count=3))
    with pytest.raises(OverBudget, match=r"about \$3\.00; with today's \$3\.00 .* cap of \$5\.00\. Confirm the cost"):
        ask(studio, owner="ada", model="cloud", count=3)
    assert len(studio.jobs("ada")) == 1
    assert finished(studio, ask(studio, owner="ada", model="cloud", count=2)).state == "done"
    request = GenerateRequest("a red ball", model="cloud", count=3)
    job = studio.generate("ada", request, confirm_cost=True)
    assert finished(studio, job).state == "done"
    assert studio.spending.today("ada").made == 8
    assert finished(studio, ask(studio, owner="ada", model="fake")).state == "done"  # this machine is never asked about
    assert finished(studio, ask(studio, owner="grace", model="cloud")).state == "done"


@pytest.mark.parametrize("confirmed", ["yes", 1, None])
def test_a_confirmation_is_true_or_false(confirmed: Any, studio: Studio):
    with pytest.raises(BadRequest, match="either confirmed"):
        studio.generate("ada", GenerateRequest("a ball", model="cloud"), confirm_cost=confirmed)


def test_a_cap_of_nothing_asks_always_and_none_never(open_studio: OpenStudio, tmp_path: Path):
    careful = open_studio(cloud(FakeModel()), outputs=tmp_path / "careful", daily_cap_usd=0)
    with pytest.raises(OverBudget):
        ask(careful, model="cloud")
    careless = open_studio(cloud(FakeModel()), outputs=tmp_path / "careless", daily_cap_usd=None)
    assert finished(careless, ask(careless, model="cloud", count=8)).state == "done"
    assert careless.spending.today("local").cap is None


def test_an_unknown_price_is_asked_about_only_once_the_cap_is_reached(open_studio: OpenStudio):
    studio = open_studio(cloud(Biller(5.0), price_usd=None))
    finished(studio, ask(studio, model="cloud"))
    with pytest.raises(OverBudget, match="The price of Cloud is not known in advance"):
        ask(studio, model="cloud")


def test_of_two_requests_at_once_that_fit_only_one_by_one_one_gets_in(studio: Studio, biller: Biller):
    biller.gated = True
    together, refused = Barrier(2), []

    def press() -> None:
        together.wait(PATIENCE_SECONDS)
        try:
            ask(studio, owner="ada", model="cloud", count=3)
        except OverBudget as error:
            refused.append(error)

    threads = [Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    biller.let_go()
    assert len(refused) == 1
    (job,) = studio.jobs("ada")
    until(studio, job, lambda view: view.is_over)


def test_a_day_begins_at_midnight_where_the_machine_is(studio: Studio, tmp_path: Path):
    made = studio.asset("ada", finished(studio, ask(studio, owner="ada", model="cloud")).assets[0])
    database = Database(tmp_path / "outputs" / "diorama.sqlite")
    try:
        for hours, spent in ((0, 1), (-30, 1), (48, 0)):
            now = datetime.fromtimestamp(made.created, timezone(timedelta(hours=2))) + timedelta(hours=hours)
            assert Spending(database, [cloud(FakeModel())], now=lambda now=now: now).today("ada").made == spent
    finally:
        database.close()


def test_a_picture_that_was_brought_along_was_paid_elsewhere(studio: Studio, open_studio: OpenStudio, tmp_path: Path):
    path = studio.path("ada", finished(studio, ask(studio, owner="ada", model="cloud")).assets[0])
    other = open_studio(cloud(FakeModel()), outputs=tmp_path / "other")
    assert other.take_in("grace", path).model == "cloud"
    assert other.spending.today("grace").made == 0


@pytest.mark.parametrize(
    ("usd", "words"),
    [
        (0, "$0.00"),
        (0.0301, "$0.03"),
        (0.211, "$0.21"),
        (0.0336, "$0.034"),
        (0.006, "$0.006"),
        (1.5, "$1.50"),
        (1e-6, "less than $0.001"),
    ],
)
def test_dollars_are_said_in_two_figures(usd: float, words: str):
    assert in_dollars(usd) == words


def test_the_cap_is_read_as_people_write_it():
    assert read_cap("") == DAILY_CAP_USD
    assert read_cap(" $2.50 ") == 2.5
    assert read_cap("0") == 0
    assert read_cap("OFF") is None
    for wrong in ("-1", "nan", "inf", "five"):
        with pytest.raises(BadRequest, match="DIORAMA_DAILY_CAP_USD"):
            read_cap(wrong)


def test_sizes_are_what_was_made_not_what_was_asked(open_studio: OpenStudio):
    class Stubborn(FakeModel):
        def run(self, request: ImageRequest, tell: Any) -> ImageResult:
            return ImageResult(Image.new("RGB", (128, 64)), None)

    studio = open_studio(cloud(Stubborn(), exact_size=False))
    finished(studio, ask(studio, model="cloud", size=SQUARE))
    assert studio.spending.today("local").made == 2
