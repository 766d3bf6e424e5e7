"""Stop while a provider works: the waiting ends at once, and a picture that was paid for is kept."""

from __future__ import annotations

import threading

import pytest

from providers.faults import Timeout
from providers.keys import Keys
from providers.waiting import Limits
from studio.contract import ImageResult, Progress
from studio.errors import Cancelled, NotReady, Skipped
from tests.providers.clouds import GOOGLE, HUGGING_FACE, PATIENT, Cloud, end_of_calls, ignore, wish
from tests.providers.loopback import PATIENCE_SECONDS, Provider
from tests.providers.wires import RED, png


class Kept:
    """Where late pictures go."""

    def __init__(self) -> None:
        self.results: list[ImageResult] = []
        self.arrived = threading.Event()

    def take(self, result: ImageResult) -> None:
        self.results.append(result)
        self.arrived.set()


def stop_once_asked(provider: Provider, reason: type[Exception] = Cancelled):
    """A `Tell` like a job's: Stop is pressed once the provider has the request."""

    def tell(_progress: Progress) -> None:
        if provider.paid():
            raise reason

    return tell


@pytest.mark.parametrize("reason", [Cancelled, Skipped])
def test_stop_ends_the_waiting_and_the_picture_is_kept_when_it_comes(
    reason: type[Exception], cloud: Cloud, provider: Provider
):
    provider.hold = threading.Event()
    kept = Kept()
    with pytest.raises(reason):
        cloud.run(provider, cloud.picture(png()), tell=stop_once_asked(provider, reason), late=kept.take)
    assert not kept.results
    provider.hold.set()
    assert kept.arrived.wait(PATIENCE_SECONDS)
    assert kept.results[0].image.getpixel((0, 0)) == RED
    assert len(provider.paid()) == 1


def test_a_picture_that_comes_after_the_deadline_is_kept(cloud: Cloud, provider: Provider):
    provider.hold = threading.Event()
    kept = Kept()
    limits = Limits(answer_seconds=0.0)

    def once_asked(_progress: Progress) -> None:
        if not started.is_set():
            started.set()
            return
        provider.wait_for_paid()

    started = threading.Event()
    with pytest.raises(Timeout, match="kept in the gallery"):
        cloud.run(provider, cloud.picture(png()), limits=limits, tell=once_asked, late=kept.take)
    provider.hold.set()
    assert kept.arrived.wait(PATIENCE_SECONDS)
    assert len(kept.results) == 1


def test_a_picture_in_time_is_not_late(cloud: Cloud, provider: Provider):
    kept = Kept()
    assert cloud.run(provider, cloud.picture(png()), late=kept.take).image
    assert not kept.results


def test_stop_before_the_question_asks_nothing(cloud: Cloud, provider: Provider):
    def stopped(_progress: Progress) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        cloud.run(provider, cloud.picture(png()), tell=stopped)
    assert provider.requests == []


@pytest.mark.parametrize("cloud", [GOOGLE, HUGGING_FACE], ids=lambda cloud: cloud.name)
def test_a_call_that_was_stopped_before_it_was_paid_for_is_never_paid(cloud: Cloud, provider: Provider):
    looked, stopped = threading.Event(), threading.Event()
    limits = PATIENT._replace(late_seconds=PATIENCE_SECONDS)
    provider.hold_free = stopped  # the free question is answered once nobody waits any more

    def tell(_progress: Progress) -> None:
        if provider.requests:
            looked.set()
            raise Cancelled

    with pytest.raises(Cancelled):
        cloud.run(provider, cloud.picture(png()), limits=limits, tell=tell)
    stopped.set()
    assert looked.is_set()
    end_of_calls()
    assert provider.paid() == []


def test_stop_ends_the_patience_a_busy_provider_asked_for(cloud: Cloud, provider: Provider):
    told: list[str] = []

    def tell(progress: Progress) -> None:
        told.append(progress.note)
        if "asks us to wait" in progress.note:
            raise Cancelled

    with pytest.raises(Cancelled):
        cloud.run(provider, cloud.error(429, "no", headers={"Retry-After": "20"}), tell=tell)
    assert cloud.offer.account.provider in told[-1]
    assert len(provider.paid()) == 1


def test_without_a_key_nothing_is_asked_and_the_line_to_write_is_said(cloud: Cloud, provider: Provider):
    with pytest.raises(NotReady, match=f"write {cloud.offer.account.name}=... into"):
        cloud.model(provider, PATIENT, keys=Keys({})).run(wish(), ignore)
    assert provider.requests == []
