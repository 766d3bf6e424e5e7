"""What goes wrong at a provider or on the way to it, over real HTTP: told apart, paid once, and never with the key."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable

import pytest

from providers.faults import (
    BadKey,
    Forbidden,
    NoCredit,
    Outage,
    RateLimited,
    Rejected,
    Retired,
    Timeout,
    Unreachable,
    Unusable,
)
from providers.waiting import Limits
from studio.contract import Progress
from studio.errors import CloudFault
from tests.providers import wires
from tests.providers.clouds import OPENAI, Cloud, hugging_face_at, ignore, wish
from tests.providers.loopback import Answer, Provider, answer, endless, parts, redirect, torn
from tests.providers.wires import partial, png


def fault(cloud: Cloud, provider: Provider, *answers: Answer, limits: Limits | None = None) -> CloudFault:
    """Ask once and return the fault; no sentence has the key in it, and nothing was asked twice."""
    with pytest.raises(CloudFault) as failed:
        cloud.run(provider, *answers, **({"limits": limits} if limits else {}))
    assert cloud.key not in str(failed.value)
    assert failed.value.__cause__ is None or cloud.key not in repr(failed.value.__cause__)
    assert failed.value.__suppress_context__ or failed.value.__context__ is None
    assert str(failed.value).endswith(".")
    assert "\n" not in str(failed.value)
    return failed.value


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Rejected),
        (401, BadKey),
        (402, NoCredit),
        (403, Forbidden),
        (404, Retired),
        (408, Timeout),
        (409, Outage),
        (422, Rejected),
        (429, RateLimited),
        (500, Outage),
        (502, Outage),
        (503, Outage),
        (504, Timeout),
        (529, Outage),
    ],
)
def test_a_status_is_said_with_the_provider_s_reason_and_asked_once(
    status: int, kind: type[CloudFault], cloud: Cloud, provider: Provider
):
    one = fault(cloud, provider, cloud.error(status, f"No, said the server to {cloud.key} politely"))
    assert type(one) is kind
    assert "No, said the server to *** politely" in str(one)
    assert cloud.offer.account.provider in str(one)
    models = 2 if cloud.name == "Google" else 1
    assert len(provider.paid()) == (models if kind is Retired else 1)  # one that is gone is followed by others


def test_an_error_page_is_an_outage(cloud: Cloud, provider: Provider):
    page = answer(502, b"<html><h1>Bad gateway</h1></html>", kind="text/html")
    assert isinstance(fault(cloud, provider, page), Outage)
    assert len(provider.paid()) == 1


def test_nobody_there_is_said_and_costs_nothing(cloud: Cloud, provider: Provider):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # not listening: a connection is refused
        gone = Provider(f"http://127.0.0.1:{taken.getsockname()[1]}")
        if cloud.name == "Hugging Face":
            with hugging_face_at(gone), pytest.raises(Unreachable, match="nothing was charged"):
                cloud.model(gone).run(wish(), ignore)
            return
        with pytest.raises(Unreachable, match="nothing was charged"):
            cloud.model(gone).run(wish(), ignore)


def test_a_line_that_breaks_in_the_middle_is_not_tried_again(cloud: Cloud, provider: Provider):
    assert isinstance(fault(cloud, provider, torn(b'{"data": [')), Outage)
    assert len(provider.paid()) == 1


def test_an_answer_that_drips_is_cut_in_the_end(cloud: Cloud, provider: Provider):
    patience, asked = [0.5, 5.0, 50.0], 0
    while not provider.paid() and patience:  # a busy machine may need longer than that to ask at all
        late, asked = patience.pop(0), asked + 1
        short = Limits(answer_seconds=10 * late, late_seconds=late)
        assert isinstance(fault(cloud, provider, endless(b" ", kind="application/json"), limits=short), Timeout)
    assert 1 <= len(provider.paid()) <= asked


def test_silence_is_a_timeout(cloud: Cloud, provider: Provider):
    provider.hold = threading.Event()
    one = fault(cloud, provider, cloud.picture(b""), limits=Limits(answer_seconds=60.0, late_seconds=0.5))
    assert isinstance(one, Timeout)


def test_the_deadline_is_of_the_wall_clock_whatever_drips_in(cloud: Cloud, provider: Provider):
    short = Limits(answer_seconds=0.3, late_seconds=3.0)
    one = fault(cloud, provider, endless(b": still here\n\n", kind="text/event-stream"), limits=short)
    assert isinstance(one, Timeout)
    assert "0.3 seconds" in str(one)
    assert len(provider.paid()) <= 1


def test_an_answer_larger_than_any_picture_is_left(cloud: Cloud, provider: Provider):
    small = Limits(most_bytes=20_000)
    announced = answer(200, b"x" * 30_000)
    assert isinstance(fault(cloud, provider, announced, limits=small), Unusable)


def test_an_answer_that_grows_without_end_is_left(cloud: Cloud, provider: Provider):
    endlessly = endless(b"x" * 5_000, kind="application/json", seconds=0.0)
    assert isinstance(fault(cloud, provider, endlessly, limits=Limits(most_bytes=100_000)), Unusable)


def test_a_packed_answer_is_not_unpacked(cloud: Cloud, provider: Provider):
    packed = answer(200, b"\x1f\x8b\x08\x00" + bytes(20), {"Content-Encoding": "gzip"})
    assert isinstance(fault(cloud, provider, packed), Unusable)
    assert all(one.headers["accept-encoding"] == "identity" for one in provider.requests)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_of_a_paid_request_is_not_followed(status: int, cloud: Cloud, provider: Provider):
    one = fault(cloud, provider, redirect(status, f"{provider.url}/elsewhere"))
    assert isinstance(one, CloudFault)
    assert len(provider.paid()) == 1
    assert not [request for request in provider.requests if "elsewhere" in request.path]


def test_a_partial_picture_and_then_nothing_is_no_picture(provider: Provider):
    stream = parts(b"data: " + json.dumps(partial(0)).encode() + b"\n\n")
    assert "ends before the picture" in str(fault(OPENAI, provider, stream))


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a" + bytes(50), b"%PDF-1.7", b"<html></html>", png()[:40], b"MZ" + bytes(100)],
    ids=["nothing", "gif", "pdf", "page", "cut", "program"],
)
def test_what_is_no_picture_is_not_kept(content: bytes, cloud: Cloud, provider: Provider):
    reply: Callable[[bytes], Answer] = {
        "OpenAI": lambda data: wires.events(wires.completed(text=wires.b64(data))),
        "Google": lambda data: answer(
            200,
            {
                "candidates": [
                    {"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": wires.b64(data)}}]}}
                ]
            },
        ),
        "Hugging Face": lambda data: answer(200, {"data": [{"b64_json": wires.b64(data)}]}),
    }[cloud.name]
    assert isinstance(fault(cloud, provider, reply(content)), Unusable)
    assert len(provider.paid()) == 1


def test_a_busy_provider_is_asked_again_after_the_time_it_named(cloud: Cloud, provider: Provider):
    busy = cloud.error(429, "slow down", headers={"Retry-After": "0"})
    told: list[Progress] = []
    assert cloud.run(provider, busy, busy, cloud.picture(b""), tell=told.append).image
    assert len(provider.paid()) == 3


def test_a_provider_that_stays_busy_is_left_alone_after_three_more_tries(cloud: Cloud, provider: Provider):
    assert isinstance(fault(cloud, provider, cloud.error(429, "no", headers={"Retry-After": "0"})), RateLimited)
    assert len(provider.paid()) == 4


def test_without_a_time_it_is_not_asked_again(cloud: Cloud, provider: Provider):
    fault(cloud, provider, cloud.error(429, "no"))
    assert len(provider.paid()) == 1


def test_a_wait_that_is_too_long_is_left_to_the_person(cloud: Cloud, provider: Provider):
    fault(cloud, provider, cloud.error(429, "no", headers={"Retry-After": "86400"}))
    assert len(provider.paid()) == 1


def test_only_429_is_asked_again_whatever_the_headers_say(cloud: Cloud, provider: Provider):
    tempting = {"Retry-After": "0", "x-should-retry": "true", "retry-after-ms": "1"}
    fault(cloud, provider, cloud.error(503, "no", headers=tempting))
    assert len(provider.paid()) == 1
