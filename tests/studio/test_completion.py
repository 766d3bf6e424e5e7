"""A request is complete and honoured, or refused with a sentence."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from studio.completion import completed, default_size
from studio.contract import MAX_SEED, GenerateRequest, Range, Readiness, Size, Task
from studio.errors import BadRequest, NotReady, NotSupported, StudioError, UnknownModel
from studio.imaging.generate_job import image_request, read_request
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import OWNER, FakeModel, ask, finished, spec_of

HONOURS_ALL = spec_of(None)
HONOURS_NOTHING = spec_of(
    None, "plain", seed=False, steps=None, guidance=None, negative_prompt=False, styles=(), sizes=(Size(64, 64),)
)
ANY_SIZE = spec_of(None, "free", sizes=(), any_size=(256, 2048, 16))
NAN, INFINITY = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("values", "error", "sentence"),
    [
        ({"prompt": ""}, BadRequest, "The prompt is empty"),
        ({"prompt": " \n\t "}, BadRequest, "The prompt is empty"),
        ({"prompt": "\u200b\u200d\ufeff\u2060"}, BadRequest, "The prompt is empty"),
        ({"prompt": "\u3164\u2800"}, BadRequest, "The prompt is empty"),
        ({"prompt": "\x00\x07\x1b"}, BadRequest, "The prompt is empty"),
        ({"prompt": "\ud800"}, BadRequest, "The prompt is empty"),
        ({"prompt": "x" * 10_001}, BadRequest, "10,001 characters; 10,000 is the most"),
        ({"prompt": 5}, BadRequest, "The prompt must be text, not 5"),
        ({"prompt": None}, BadRequest, "The prompt must be text, not nothing"),
        ({"prompt": ["a"]}, BadRequest, "The prompt must be text, not a list"),
        ({"count": 0}, BadRequest, "number of pictures must be 1 to 8, not 0"),
        ({"count": 9}, BadRequest, "number of pictures must be 1 to 8, not 9"),
        ({"count": 10**400}, BadRequest, "not a number that large"),
        ({"count": 2.5}, BadRequest, "must be a whole number, not 2.5"),
        ({"count": True}, BadRequest, "must be a whole number, not yes or no"),
        ({"count": "2"}, BadRequest, "must be a whole number, not '2'"),
        ({"count": None}, BadRequest, "must be a whole number, not nothing"),
        ({"seed": -2}, BadRequest, "The seed must be 0 to 4294967295, not -2. Leave it empty, or write -1"),
        ({"seed": -0.5}, BadRequest, "not -0.5. Leave it empty"),
        ({"seed": 2**32}, BadRequest, "not 4294967296"),
        ({"seed": NAN}, BadRequest, "The seed must be a whole number, not nan"),
        ({"seed": "abc"}, BadRequest, "The seed must be a whole number, not 'abc'"),
        ({"steps": 0}, NotSupported, "The number of steps must be 1 to 50 for Fake, not 0"),
        ({"steps": 51}, NotSupported, "1 to 50"),
        ({"steps": 1e308}, NotSupported, "1 to 50"),
        ({"steps": INFINITY}, BadRequest, "must be a whole number, not inf"),
        ({"steps": [4]}, BadRequest, "must be a whole number, not a list"),
        ({"guidance": NAN}, BadRequest, "The guidance must be a finite number, not nan"),
        ({"guidance": -INFINITY}, BadRequest, "The guidance must be a finite number, not -inf"),
        ({"guidance": 1e308}, NotSupported, "The guidance must be 0 to 20 for Fake, not 1e+308"),
        ({"guidance": 10**400}, NotSupported, "The guidance must be 0 to 20"),
        ({"guidance": "4"}, BadRequest, "The guidance must be a number, not '4'"),
        ({"guidance": False}, BadRequest, "The guidance must be a number, not yes or no"),
        ({"size": Size(0, 64)}, NotSupported, "does not make pictures of 0 x 64. Choose one of"),
        ({"size": Size(64, -8)}, NotSupported, "does not make pictures of 64 x -8. Choose one of"),
        ({"size": (10**9, 10**9)}, NotSupported, "does not make pictures of 1000000000 x 1000000000"),
        ({"size": (1, 100_000)}, NotSupported, "Choose one of: 64 x 64, 96 x 64"),
        ({"size": (64,)}, BadRequest, "The size must be a width and a height"),
        ({"size": "64x64"}, BadRequest, "The size must be a width and a height, not '64x64'"),
        ({"size": ("64", 64)}, BadRequest, "The width must be a whole number, not '64'"),
        ({"size": (NAN, 64)}, BadRequest, "The width must be a whole number, not nan"),
        ({"style": "baroque"}, NotSupported, "Fake has no style 'baroque'. Choose one of: sketch."),
        ({"style": 3}, BadRequest, "The style must be the id of a style, not 3"),
        ({"negative_prompt": 3}, BadRequest, "The negative prompt must be text, not 3"),
        ({"negative_prompt": "x" * 20_000}, BadRequest, "The negative prompt has 20,000 characters"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(values: dict[str, Any], error: type[StudioError], sentence: str):
    with pytest.raises(error) as caught:
        completed(replace(GenerateRequest("a red ball"), **values), HONOURS_ALL)
    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"seed": 1}, "Plain takes no seed"),
        ({"steps": 4}, "Plain has no setting for the number of steps"),
        ({"guidance": 4.0}, "Plain has no setting for the guidance"),
        ({"negative_prompt": "fog"}, "Plain takes no negative prompt"),
        ({"style": "sketch"}, "Plain has no style 'sketch'. Leave the style empty"),
    ],
)
def test_what_a_model_does_not_honour_is_refused_not_dropped(values: dict[str, Any], sentence: str):
    with pytest.raises(NotSupported, match=sentence):
        completed(replace(GenerateRequest("a red ball"), **values), HONOURS_NOTHING)


def test_a_model_without_controls_leaves_them_undecided():
    request = completed(GenerateRequest("a red ball"), HONOURS_NOTHING)
    assert (request.seed, request.steps, request.guidance) == (None, None, None)


def test_every_open_value_gets_the_models_default():
    request = completed(GenerateRequest("a red ball"), HONOURS_ALL)
    assert request == GenerateRequest(
        "a red ball", "fake", Size(64, 64), count=1, seed=request.seed, steps=3, guidance=4.0
    )
    assert request.seed is not None and 0 <= request.seed <= MAX_SEED


def test_a_sampler_is_one_that_the_model_has():
    samples = replace(HONOURS_ALL, samplers=("Euler", "Euler a"))
    assert completed(GenerateRequest("x"), samples).sampler == "Euler"
    assert completed(GenerateRequest("x", sampler="Euler a"), samples).sampler == "Euler a"
    for value, spec, sentence in (
        ("Heun", samples, r"no sampler 'Heun'\. Choose one of: Euler, Euler a\."),
        ("Euler", HONOURS_ALL, r"no sampler 'Euler'\. Leave the sampler empty\."),
        (3, samples, "must be the name of a sampler, not 3"),
    ):
        with pytest.raises((BadRequest, NotSupported), match=sentence):
            completed(GenerateRequest("x", sampler=value), spec)  # pyright: ignore[reportArgumentType]


def test_clip_skip_is_a_whole_number_of_a_model_that_has_it():
    skips = replace(HONOURS_ALL, clip_skip=Range(1, 12, 1))
    assert completed(GenerateRequest("x"), skips).clip_skip == 1
    assert completed(GenerateRequest("x", clip_skip=2), skips).clip_skip == 2
    for value, sentence in ((0, "must be 1 to 12"), (1.5, "must be a whole number"), (True, "must be a whole number")):
        with pytest.raises(StudioError, match=f"The clip skip {sentence}"):
            completed(GenerateRequest("x", clip_skip=value), skips)  # pyright: ignore[reportArgumentType]
    with pytest.raises(NotSupported, match="has no setting for the clip skip"):
        completed(GenerateRequest("x", clip_skip=2), HONOURS_ALL)


def test_whole_floats_of_json_are_numbers():
    request = completed(GenerateRequest("x", size=(96.0, 64.0), seed=3.0, steps=4.0, guidance=2), HONOURS_ALL)  # pyright: ignore[reportArgumentType]  # as JSON gives them
    assert (request.size, request.seed, request.steps, request.guidance) == (Size(96, 64), 3, 4, 2.0)


def test_control_characters_and_lone_surrogates_are_removed_and_words_are_kept():
    request = completed(GenerateRequest(" a\x00 red\x1b\r\nball\ud800 👩\u200d🚀\t!\n"), HONOURS_ALL)
    assert request.prompt == "a red\nball 👩\u200d🚀\t!"


@pytest.mark.parametrize(
    "prompt",
    [
        "<script>alert(1)</script>",
        "{{7*7}}",
        "![](http://x/y.png)",
        "../../etc/passwd",
        "CON",
        "\u202eevil",
        "🎈" * 9_999,
    ],
)
def test_strange_prompts_are_prompts(prompt: str):
    assert completed(GenerateRequest(prompt), HONOURS_ALL).prompt == prompt


@pytest.mark.parametrize(
    "mark", ["\ufeff", "\u200b", "\u2060", "\xa0", "\u2003", "\u200e", "\xad", "\u2028"], ids=ascii
)
def test_what_cannot_be_seen_around_a_prompt_is_no_part_of_it(mark: str):
    request = GenerateRequest(f"{mark} a red ball{mark}\r\n", negative_prompt=f"{mark}blurry")
    made = completed(request, HONOURS_ALL)
    assert (made.prompt, made.negative_prompt) == ("a red ball", "blurry")
    with pytest.raises(BadRequest, match="The prompt is empty"):
        completed(GenerateRequest(mark * 3), HONOURS_ALL)


def test_a_byte_order_mark_is_removed_wherever_texts_were_joined():
    assert completed(GenerateRequest("\ufeffa red ball\n\ufeffin the grass"), HONOURS_ALL).prompt == (
        "a red ball\nin the grass"
    )


@pytest.mark.parametrize("seed", [-1, -1.0])
def test_the_seed_of_minus_one_is_drawn(seed: float):
    request = GenerateRequest("x", seed=seed)  # pyright: ignore[reportArgumentType]  # as JSON gives it
    drawn = {completed(request, HONOURS_ALL).seed for _ in range(4)}
    assert len(drawn) > 1 and min(seed for seed in drawn if seed is not None) >= 0
    assert completed(request, HONOURS_NOTHING).seed is None


@pytest.mark.parametrize("side", [240, 2064, 1000])
def test_free_sizes_keep_to_the_models_limits(side: int):
    with pytest.raises(NotSupported, match="Both sides must be 256 to 2048 pixels and multiples of 16"):
        completed(GenerateRequest("x", size=Size(side, 512)), ANY_SIZE)


def test_a_free_size_is_taken():
    assert completed(GenerateRequest("x", size=Size(256, 2048)), ANY_SIZE).size == (256, 2048)
    assert default_size(ANY_SIZE) == (1024, 1024)


def test_a_model_of_another_task_makes_no_pictures():
    with pytest.raises(NotSupported, match="does not make pictures from words"):
        completed(GenerateRequest("x"), spec_of(None, tasks=frozenset({Task.SEGMENT})))


def test_a_catalog_entry_without_sizes_is_found_at_the_start(open_studio: OpenStudio):
    with pytest.raises(ValueError, match="without sizes"):
        open_studio(spec_of(FakeModel(), sizes=()))


EVIL = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.text(st.characters(codec=None)),
    st.lists(st.integers(), max_size=3),
    st.tuples(st.floats(), st.floats()),
    st.dictionaries(st.text(), st.integers(), max_size=2),
    st.just(10**400),
    st.binary(),
)
FIELDS = ["prompt", "size", "count", "seed", "steps", "guidance", "negative_prompt", "style"]


@given(st.dictionaries(st.sampled_from(FIELDS), EVIL), st.sampled_from([HONOURS_ALL, HONOURS_NOTHING, ANY_SIZE]))
def test_any_value_in_any_field_is_refused_with_a_sentence_or_makes_a_complete_request(values: Any, spec: Any):
    try:
        request = completed(GenerateRequest(**{"prompt": "a ball"} | values), spec)
    except (BadRequest, NotSupported) as error:
        assert 10 < len(str(error)) < 300 and str(error).isprintable()
        return
    assert completed(request, spec) == request
    assert read_request(json.loads(json.dumps(asdict(request), allow_nan=False))) == request
    request.prompt.encode()


# --- what the model gets ----------------------------------------------------------------------------------------------


def test_a_missing_seed_is_drawn_once_and_recorded(open_studio: OpenStudio):
    model = FakeModel()
    studio = open_studio(model)
    job = finished(studio, ask(studio))
    asset = studio.asset(OWNER, job.assets[0])
    assert asset.seed == asset.recipe.seed == model.requests[0].seed


def test_every_picture_has_its_own_seed_and_the_last_one_wraps_around(open_studio: OpenStudio):
    model = FakeModel()
    studio = open_studio(model)
    finished(studio, ask(studio, count=3, seed=MAX_SEED - 1))
    assert [request.seed for request in model.requests] == [MAX_SEED - 1, MAX_SEED, 0]


def test_a_style_changes_what_is_sent_and_not_what_was_typed(open_studio: OpenStudio):
    model = FakeModel()
    studio = open_studio(model)
    job = finished(studio, ask(studio, "a ball", style="sketch", negative_prompt="fog"))
    recipe = studio.asset(OWNER, job.assets[0]).recipe
    assert (recipe.prompt, recipe.prompt_sent) == ("a ball", "a pencil sketch of a ball")
    assert model.requests[0].prompt == "a pencil sketch of a ball"
    assert model.requests[0].negative_prompt == recipe.negative_prompt == "fog"


def test_a_model_without_seed_gets_a_request_all_the_same():
    request = image_request(completed(GenerateRequest("x"), HONOURS_NOTHING), HONOURS_NOTHING, 0)
    assert (request.seed, request.steps, request.guidance) == (0, 0, 0.0)


# --- which model ------------------------------------------------------------------------------------------------------

AWAY = spec_of(FakeModel(), "away", readiness=lambda: Readiness(False, "no GPU", "Rent a GPU with 13 GB."))


def test_without_a_model_the_first_ready_one_is_taken(open_studio: OpenStudio):
    studio = open_studio(AWAY, spec_of(FakeModel(), "here"))
    assert ask(studio).model == "here"


def test_a_model_that_is_not_ready_says_what_to_do(open_studio: OpenStudio):
    studio = open_studio(AWAY)
    for model in ("away", ""):
        with pytest.raises(NotReady, match="Rent a GPU with 13 GB"):
            ask(studio, model=model)
    assert studio.jobs(OWNER) == []


@pytest.mark.parametrize("model", ["nope", "../../x", "http://evil/x", "\ud800", "x" * 500])
def test_an_unknown_model_names_the_known_ones(open_studio: OpenStudio, model: str):
    with pytest.raises(UnknownModel, match="Choose one of: fake"):
        ask(open_studio(), model=model)


@pytest.mark.parametrize("model", [None, 3, ["fake"], {}])
def test_a_model_that_is_no_text_is_refused(open_studio: OpenStudio, model: Any):
    with pytest.raises(BadRequest, match="The model must be the id of a model"):
        ask(open_studio(), model=model)


def test_an_empty_catalog_is_said(open_studio: OpenStudio):
    with pytest.raises(NotReady, match="No model here can generate"):
        ask(open_studio(spec_of(FakeModel(), tasks=frozenset({Task.SEGMENT}))))


def test_a_model_that_knows_all_words_has_no_unknown_ones(open_studio: OpenStudio):
    studio = open_studio(
        spec_of(FakeModel(), "all"), spec_of(FakeModel(), "toy", known_words=lambda: frozenset({"red"}))
    )
    assert studio.unknown_words("all", "a dragon") == ()
    assert studio.unknown_words("toy", "red dragon") == ("dragon",)


def test_models_are_listed_by_task(open_studio: OpenStudio):
    segment = spec_of(FakeModel(), "clicks", tasks=frozenset({Task.SEGMENT}), steps=Range(1, 2, 1))
    studio = open_studio(spec_of(FakeModel(), "draws"), segment)
    assert [spec.id for spec in studio.models(Task.GENERATE)] == ["draws"]
    assert studio.model("clicks") is segment


def test_a_precision_is_one_in_which_the_machine_keeps_the_weights():
    keeps = replace(HONOURS_ALL, precisions=("fp8", "nf4"))
    assert completed(GenerateRequest("x"), keeps).precision == ""
    assert completed(GenerateRequest("x", precision="nf4"), keeps).precision == "nf4"
    for value, spec in (("int8", keeps), ("nf4", HONOURS_ALL)):
        with pytest.raises(NotSupported, match="cannot be kept in"):
            completed(GenerateRequest("x", precision=value), spec)
    with pytest.raises(BadRequest, match="precision must be"):
        completed(GenerateRequest("x", precision=4), keeps)  # pyright: ignore[reportArgumentType]


def test_fast_is_for_models_that_compile_and_weights_in_16_bits():
    compiles = replace(HONOURS_ALL, fast=True, precisions=("16-bit", "nf4"))
    assert not completed(GenerateRequest("x"), compiles).fast
    for precision in ("", "16-bit"):
        assert completed(GenerateRequest("x", fast=True, precision=precision), compiles).fast
    for precision, spec, sentence in (
        ("nf4", compiles, "16-bit weights, not 'nf4'"),
        ("", HONOURS_ALL, "Turn Fast off"),
    ):
        with pytest.raises(NotSupported, match=sentence):
            completed(GenerateRequest("x", fast=True, precision=precision), spec)
    with pytest.raises(BadRequest, match="Fast is either wanted"):
        completed(GenerateRequest("x", fast="yes"), compiles)  # pyright: ignore[reportArgumentType]
