"""Whatever is asked: an answer, or one sentence; and jobs end once, in whatever order things happen.

The same examples every time; `make fuzz` has more of them, and tries others.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from PIL import Image

from studio.contract import GenerateRequest, IterateRequest, Task, UpscaleRequest
from studio.errors import BadRequest, NotFound, StudioError, TooManyJobs
from studio.imaging import wildcards
from studio.library.files import file_names, slug
from studio.recipe.selection import SegmentRequest, from_json
from studio.scheduling.contract import JobView
from studio.service import Studio
from studio.solid.contract import SolidRequest
from tests.robustness.site import ADA, GRACE, Site
from tests.robustness.targets import KEYWORDS, any_picture, any_splat, any_texts, said
from tests.studio.fakes import FakeModel, finished, spec_of
from tests.studio.pictures_in import corners, saved
from ui import page

EXAMPLES = int(os.environ.get("DIORAMA_FUZZ_EXAMPLES", "0"))
FUZZ = settings(
    max_examples=EXAMPLES or 60,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
WORDS = (
    *("", "\0", "\ud800", "../../etc/passwd", "' OR 1=1 --", "<script>", "{a|b", "{|}", "__x__", "__../x__", "NaN"),
    *("\u202e", "<lora:../x:1>", "a:1e999)", "(((" * 50, "%s{0}", "\n\r", "f" * 32, "toy", "CON", "😀" * 50),
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, 2**31, 2**64, -(2**63), 10**400, 1e308, -0.0])
    | st.floats()
    | st.text(max_size=40)
    | st.sampled_from(WORDS)
)
EVIL = st.recursive(
    SCALARS,
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=5), some, max_size=3),
    max_leaves=6,
)
"""Any value that JSON can carry, and some that it cannot."""


def answered(ask: Callable[[], object]) -> None:
    """It is done, or refused with a sentence."""
    try:
        ask()
    except TooManyJobs:
        pass
    except StudioError as error:
        said(error)


# --- files ------------------------------------------------------------------------------------------------------------

WHOLE = (saved(corners(), "PNG"), saved(corners(), "JPEG"), saved(corners(), "WEBP"))


@FUZZ
@given(st.sampled_from(WHOLE), st.integers(0, 4_000), st.binary(max_size=12), st.integers(0, 40))
def test_whatever_becomes_of_a_picture_it_comes_in_whole_or_is_refused(file: bytes, at: int, noise: bytes, lost: int):
    any_picture(file[:at] + noise + file[at + lost :])


@FUZZ
@given(
    st.sampled_from([b"ply\nformat ascii 1.0\nelement vertex 2\n", b"NGSP\x02\0\0\0", b"\x1f\x8b\x08\0", b""]),
    st.binary(),
)
def test_any_bytes_are_a_sound_splat_or_a_sentence(start: bytes, rest: bytes):
    any_splat(start + rest)


# --- what pictures say of themselves ----------------------------------------------------------------------------------

LINKS = st.tuples(st.sampled_from("123x"), st.integers(-1, 3)).map(list)
NODES = st.fixed_dictionaries(
    {},
    optional={
        "class_type": st.sampled_from(["KSampler", "CLIPTextEncode", "LoraLoader", "EmptyLatentImage", "Reroute", "x"])
        | EVIL,
        "inputs": EVIL
        | st.dictionaries(
            st.sampled_from(
                ["seed", "steps", "cfg", "positive", "negative", "text", "model", "clip", "latent_image", "width"]
            ),
            LINKS | EVIL,
            max_size=5,
        ),
        "_meta": EVIL,
    },
)
GRAPHS = st.dictionaries(st.sampled_from("123"), NODES | EVIL, max_size=3)
LINES = st.lists(
    st.tuples(
        st.sampled_from(["Steps", "Seed", "Size", "CFG scale", "Model", "Sampler", "Lora hashes", "Version"]),
        SCALARS.map(str),
    ).map(": ".join),
    max_size=5,
).map(lambda each: "a fox\nNegative prompt: blur\n" + ", ".join(each))
TEXTS = st.text(max_size=200) | LINES | (GRAPHS | EVIL).map(lambda value: json.dumps(value)[:20_000])


@FUZZ
@given(st.dictionaries(st.sampled_from(KEYWORDS), TEXTS, max_size=3))
def test_whatever_a_picture_says_of_itself_is_read_in_passing(texts: dict[str, str]):
    any_texts(texts)


# --- what is asked ----------------------------------------------------------------------------------------------------

KINDS = {
    GenerateRequest: {"prompt": "a red ball"},
    IterateRequest: {"source": "x", "instruction": "make it red"},
    UpscaleRequest: {"source": "x"},
    SolidRequest: {"object": "x"},
    SegmentRequest: {"picture": "x"},
}


@cache
def small_studio() -> tuple[Studio, str]:
    """For all examples of this process, and a picture in it."""
    folder = tempfile.mkdtemp()
    tasks = frozenset({Task.GENERATE, Task.ITERATE, Task.UPSCALE})
    studio = Studio([spec_of(FakeModel(steps=1), tasks=tasks, references=2, mask=True, scales=(2,))], Path(folder))
    atexit.register(studio.close)
    return studio, studio.take_in("ada", saved(Image.new("RGB", (8, 8), "red"), "PNG")).id


@FUZZ
@given(st.data())
def test_whatever_is_asked_is_queued_or_refused_with_a_sentence(data: st.DataObject):
    studio, picture = small_studio()
    kind = data.draw(st.sampled_from([*KINDS]))
    names = data.draw(st.lists(st.sampled_from([*kind.__dataclass_fields__]), max_size=4, unique=True))
    values = {name: picture if value == "x" else value for name, value in KINDS[kind].items()}
    values |= {name: data.draw(EVIL) for name in names}
    verb: Callable[..., object] = {
        GenerateRequest: studio.generate,
        IterateRequest: studio.iterate,
        UpscaleRequest: studio.upscale,
        SolidRequest: studio.solids.make,
        SegmentRequest: studio.selections.segment,
    }[kind]
    if kind is SegmentRequest:  # is made of JSON only
        answered(lambda: verb("ada", from_json(values)))
    else:
        answered(lambda: verb("ada", kind(**values)))


@FUZZ
@given(EVIL, EVIL)
def test_whatever_an_id_is_there_is_no_such_thing(value: Any, other: Any):
    studio, _ = small_studio()
    asks = (
        studio.asset,
        studio.path,
        studio.thumbnail,
        studio.job,
        studio.cancel,
        studio.skip,
        studio.tree,
        studio.film,
    )
    for ask in asks:
        with pytest.raises(NotFound) as refused:
            ask("ada", value)
        said(refused.value)
    answered(lambda: studio.gallery("ada", query=value, model=other, kind=other, after=value))


@FUZZ
@given(st.text(max_size=60) | st.sampled_from(WORDS), st.integers(0, 2**32))
def test_no_words_lead_out_of_a_folder(words: str, seed: int):
    for name in file_names(1e9, words, "0123456789abcdef" * 2, ".png"):
        assert re.fullmatch(r"\d{8}-\d{6}_[a-z0-9]+(-[a-z0-9]+)*_[0-9a-f]{4,32}\.png", name)
    assert len(slug(words)) <= 40
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "secret.txt").write_text("a secret")
        folder = Path(place) / "wildcards"
        folder.mkdir()
        (folder / "link.txt").symlink_to(Path(place) / "secret.txt")
        for prompt in (f"a {words} ball", f"a __{words}__ ball", f"a __../{words}__ __../secret__ __link__"):
            try:
                assert "a secret" not in wildcards.chosen(prompt, seed, folder)
            except BadRequest as error:
                said(error)


# --- over HTTP --------------------------------------------------------------------------------------------------------


@FUZZ
@given(st.data())
def test_whatever_is_sent_to_a_route_or_an_endpoint_is_an_answer_or_a_sentence(site: Site, data: st.DataObject):
    endpoints = asked_with(site)
    name = data.draw(st.sampled_from([*endpoints, *page.QUESTIONS]))
    parameters = endpoints.get(name, ("id", "ids", "after", "query", "limit", "title", "starred", "pictures", "since"))
    values = data.draw(st.dictionaries(st.sampled_from(parameters or ("x",)), EVIL, max_size=4))
    with site.visitor() as http:
        if name in endpoints:
            body = json.dumps(values | {"token": ADA})
            answer = http.post(f"gradio_api/call/v2/{name}", content=body, headers={"Content-Type": "application/json"})
            told = site.end(http, name, answer.json()["event_id"]) if answer.is_success else ""
            if told.startswith("event: error"):
                said(StudioError(json.loads(told.partition("data: ")[2])["error"]))
        else:
            answer = http.post(f"diorama/{name}", content=json.dumps(values | {"wait": 0}))
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            said(StudioError(answer.json()["error"]))


@cache
def asked_with(site: Site) -> dict[str, tuple[str, ...]]:
    """The names of the parameters of every endpoint; none of them may be left out of an answer that never comes."""
    with site.visitor() as http:
        told = http.get("gradio_api/info").json()["named_endpoints"]
    return {
        name.strip("/"): tuple(
            one["parameter_name"] for one in endpoint["parameters"] if one["parameter_name"] != "token"
        )
        for name, endpoint in told.items()
    }


# --- jobs -------------------------------------------------------------------------------------------------------------


class JobsOfTwo(RuleBasedStateMachine):
    """Two owners ask, stop, skip and pause, and Diorama starts again; every job ends, once."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.asked = list[tuple[JobView, int]]()
        self.studio = self._open()

    def _open(self) -> Studio:
        return Studio([spec_of(FakeModel(steps=2))], Path(self.folder.name))

    @rule(owner=st.sampled_from([ADA, GRACE]), count=st.integers(1, 2))
    def ask(self, owner: str, count: int) -> None:
        job = self.studio.generate(owner, GenerateRequest(f"{owner} {len(self.asked)}", count=count))
        self.asked.append((job, count))

    @rule(data=st.data(), verb=st.sampled_from(["cancel", "skip"]))
    def press(self, data: st.DataObject, verb: str) -> None:
        if self.asked:
            job, _ = data.draw(st.sampled_from(self.asked))
            getattr(self.studio, verb)(job.owner, job.id)
            with pytest.raises(NotFound):
                getattr(self.studio, verb)("somebody else", job.id)

    @rule(is_paused=st.booleans())
    def pause(self, is_paused: bool) -> None:
        self.studio.hosting.pause(is_paused)

    @rule()
    def start_again(self) -> None:
        self.studio.close()
        self.studio = self._open()

    @rule()
    def bring(self) -> None:
        self.studio.take_in(ADA, WHOLE[0])

    @invariant()
    def nobody_sees_the_others(self) -> None:
        for owner in (ADA, GRACE):
            assert {job.owner for job in self.studio.jobs(owner)} <= {owner}

    def teardown(self) -> None:
        self.studio.hosting.pause(False)
        for asked, count in self.asked:
            job = finished(self.studio, self.studio.job(asked.owner, asked.id))
            assert job.state in ("done", "stopped")
            assert len(job.assets) <= count
            indexes = [self.studio.asset(job.owner, id).index for id in job.assets]
            assert len({*indexes}) == len(indexes)
        self.studio.close()
        self.folder.cleanup()


TestJobsOfTwo = JobsOfTwo.TestCase
TestJobsOfTwo.settings = settings(FUZZ, max_examples=max(10, EXAMPLES // 8), stateful_step_count=12)
