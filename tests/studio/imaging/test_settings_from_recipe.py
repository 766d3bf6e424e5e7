"""From any recipe to a request that a model accepts as it is, and a sentence for all that is different."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from studio.completion import completed
from studio.contract import GenerateRequest, ModelSpec, Range, Readiness, Size, Style, Task
from studio.imaging.settings_from_recipe import fit, is_same_model
from studio.recipe import MAX_UPLOADED_SEED
from studio.validation import MAX_PROMPT
from tests.studio.fakes import FakeModel, spec_of
from tests.studio.recipe.test_recipe import RECIPE

PLAIN = replace(RECIPE, model="fake", width=64, height=64, parents=(), steps=4, guidance=1.5, style="sketch")
KLEIN = spec_of(
    FakeModel(),
    "flux2-klein-4b",
    label="FLUX.2 klein 4B",
    sizes=(Size(1024, 1024), Size(1216, 832), Size(832, 1216), Size(1344, 768)),
    any_size=(256, 1536, 16),
    steps=Range(1, 12, 4),
    guidance=None,
    negative_prompt=False,
    styles=(),
)
ABSENT = spec_of(
    FakeModel(), "flux1-dev", label="FLUX.1 dev", readiness=lambda: Readiness(False, "needs a GPU with 24 GB")
)


def notes(catalog: list[ModelSpec], **changes: Any) -> tuple[GenerateRequest, tuple[str, ...]]:
    """The request and the notes for PLAIN with these changes."""
    settings = fit(replace(PLAIN, **changes), catalog)
    assert settings.request is not None
    return settings.request, settings.notes


@pytest.fixture
def fake() -> ModelSpec:
    return spec_of(FakeModel())


def test_what_the_model_honours_is_carried_over_without_a_word(fake: ModelSpec):
    assert notes([KLEIN, fake]) == (
        GenerateRequest("a red ball", "fake", Size(64, 64), 1, 3, 4, 1.5, "fog", "sketch"),
        (),
    )


def test_what_was_not_said_gets_the_models_defaults(fake: ModelSpec):
    request, said = notes([fake], steps=None, guidance=None, seed=None, negative_prompt="", style="", model="")
    assert (request.steps, request.guidance, request.seed) == (3, 4.0, None)
    assert said == (
        "It does not say which model made it; Fake is chosen.",
        "It does not record its seed; a new one is drawn.",
    )


@pytest.mark.parametrize("prompt", ["", "  \n", "\u200b", "\u3164"])
def test_without_a_prompt_there_is_nothing_to_make(fake: ModelSpec, prompt: str):
    settings = fit(replace(PLAIN, prompt=prompt), [fake])
    assert (settings.request, len(settings.notes)) == (None, 1)


def test_without_a_model_for_words_there_is_nothing_to_make(fake: ModelSpec):
    assert fit(PLAIN, []).request is None
    assert fit(PLAIN, [replace(fake, tasks=frozenset({Task.SEGMENT}))]).request is None


# --- models -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "model_id"),
    [
        ("flux1-schnell", "flux1-schnell"),
        ("flux1-schnell-fp8.safetensors", "flux1-schnell"),
        ("FLUX.1-schnell", "flux1-schnell"),
        ("FLUX.1 [schnell]", "flux1-schnell"),
        ("black\\flux\\flux1-dev-Q4_K_S.gguf", "flux1-dev"),
        ("unet/flux1-dev-fp8-e4m3fn.safetensors", "flux1-dev"),
        ("flux1-dev-bnb-nf4-v2", "flux1-dev"),
        ("flux-2-klein-4b-fp8.safetensors", "flux2-klein-4b"),
        ("FLUX.2-klein-4B", "flux2-klein-4b"),
        ("FLUX Dev (Quantized)", "flux1-dev"),
        ("flux_schnell", "flux1-schnell"),
    ],
)
def test_a_name_that_plainly_means_a_model_is_understood(name: str, model_id: str):
    assert is_same_model(name, model_id)


@pytest.mark.parametrize(
    ("name", "model_id"),
    [
        ("flux1-dev-kontext_fp8_scaled.safetensors", "flux1-dev"),
        ("flux1-fill-dev.safetensors", "flux1-dev"),
        ("flux-2-klein-base-4b.safetensors", "flux2-klein-4b"),
        ("flux-2-klein-9b.safetensors", "flux2-klein-4b"),
        ("flux1-dev", "flux1-schnell"),
        ("sd_xl_base_1.0.safetensors", "flux1-dev"),
        ("fluxdevelopers", "flux1-dev"),
        ("fp8", "flux1-dev"),
        ("", "flux1-dev"),
        ("狐", "flux1-dev"),
        ("flux-" * 100_000, "flux1-dev"),
        ("FLUX.1 Krea dev", "flux1-dev"),
    ],
)
def test_a_name_that_means_another_model_is_not_taken_for_ours(name: str, model_id: str):
    assert not is_same_model(name, model_id)


def test_a_model_of_another_tool_is_found_by_its_files_name(fake: ModelSpec):
    request, said = notes([fake, KLEIN], model="flux-2-klein-4b-fp8.safetensors", width=1024, height=1024)
    assert request.model == "flux2-klein-4b"
    assert said[0] == "'flux-2-klein-4b-fp8.safetensors' is taken for FLUX.2 klein 4B."


def test_an_unknown_model_gives_way_to_the_first_that_is_ready(fake: ModelSpec):
    request, said = notes([ABSENT, fake, KLEIN], model="<b>sdxl</b>")
    assert request.model == "fake" and said == ("There is no model '<b>sdxl</b>' here; Fake is chosen.",)


@pytest.mark.parametrize("name", ["flux1-dev", "flux1-dev-fp8.safetensors"])
def test_a_model_that_cannot_run_here_gives_way_too(fake: ModelSpec, name: str):
    request, said = notes([ABSENT, fake], model=name)
    assert request.model == "fake"
    assert said == ("FLUX.1 dev cannot run here (needs a GPU with 24 GB); Fake is chosen.",)


def test_where_no_model_is_ready_the_one_that_made_it_stays(fake: ModelSpec):
    away = replace(fake, readiness=ABSENT.readiness)
    assert notes([ABSENT, away])[0].model == "fake"
    assert notes([ABSENT, away], model="other")[0].model == "flux1-dev"


# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "used"),
    [
        ((1024, 1024), (1024, 1024)),
        ((512, 768), (512, 768)),
        ((1000, 600), (992, 608)),
        ((1920, 1080), (1536, 864)),
        ((1080, 1920), (864, 1536)),
        ((100, 100), (256, 256)),
        ((100, 300), (256, 768)),
        ((65535, 1), (1536, 256)),
    ],
)
def test_a_size_the_model_does_not_make_becomes_the_nearest(size: tuple[int, int], used: tuple[int, int]):
    request, said = notes([KLEIN], model="flux2-klein-4b", width=size[0], height=size[1])
    assert request.size == Size(*used)
    assert any(f"does not make {Size(*size)} pixels; {Size(*used)} is the nearest" in one for one in said) == (
        size != used
    )


@pytest.mark.parametrize(
    ("size", "used"), [((96, 64), (96, 64)), ((1024, 1024), (64, 64)), ((1536, 1024), (96, 64)), ((1, 2**31), (64, 64))]
)
def test_of_a_list_the_size_of_the_nearest_shape_is_taken(
    fake: ModelSpec, size: tuple[int, int], used: tuple[int, int]
):
    assert notes([fake], width=size[0], height=size[1])[0].size == Size(*used)


def test_numbers_are_brought_into_the_range_of_the_model(fake: ModelSpec):
    request, said = notes([fake], steps=150, guidance=30.0)
    assert (request.steps, request.guidance) == (50, 20.0)
    assert said == (
        "Fake takes 1 to 50 for steps; 50 is used, not 150.",
        "Fake takes 0 to 20 for guidance; 20 is used, not 30.0.",
    )
    assert notes([fake], steps=0)[0].steps == 1


def test_what_the_model_does_not_have_is_left_out_and_said():
    request, said = notes([KLEIN], model="flux2-klein-4b", width=1024, height=1024, style="", guidance=7.0)
    assert (request.guidance, request.negative_prompt) == (None, "")
    assert said == (
        "FLUX.2 klein 4B has no setting for guidance; 7.0 is left out.",
        "FLUX.2 klein 4B takes no negative prompt; 'fog' is left out.",
    )


def test_a_guidance_that_means_none_is_not_missed():
    for guidance in (0, 1.0):
        _, said = notes(
            [KLEIN], model=KLEIN.id, width=1024, height=1024, style="", guidance=guidance, negative_prompt=""
        )
        assert said == ()


def test_weights_and_clip_skip_are_carried_over_to_a_model_that_reads_them(fake: ModelSpec):
    theirs = {"source": "A1111", "prompt": "a (red:1.2) ball BREAK snow", "clip_skip": 2}
    reads = replace(fake, prompt_weights=True, clip_skip=Range(1, 12, 1))
    request, said = notes([reads], **theirs)
    assert (request.prompt, request.clip_skip, said) == ("a (red:1.2) ball BREAK snow", 2, ())
    assert notes([reads], prompt="a ball")[0].clip_skip == 1
    request, said = notes([fake], **theirs, left_out="LoRA ink")
    assert request.clip_skip is None
    assert said == (
        "Fake has no setting for clip skip; 2 is left out.",
        "Not carried over: LoRA ink, weights such as (red:1.2), BREAK.",
    )
    assert notes([fake], clip_skip=1)[1] == notes([fake], prompt="a (red:1.2) ball")[1] == ()


def test_new_weights_are_said(fake: ModelSpec):
    said = ("Fake has new weights since then; the result will differ.",)
    assert notes([fake], revision="r0")[1] == said
    assert notes([fake], revision="")[1] == notes([replace(fake, revision="")])[1] == ()


def test_seeds_that_do_not_fit_are_said(fake: ModelSpec):
    request, said = notes([fake], seed=2**32)
    assert request.seed is None
    assert said == ("The seed 4294967296 is larger than 4294967295, the largest here; a new one is drawn.",)
    request, said = notes([replace(fake, seed=False)])
    assert request.seed is None and said == ("Fake takes no seed; 3 is left out.",)


def test_the_words_of_a_style_that_is_not_there_are_kept(fake: ModelSpec):
    request, said = notes([replace(fake, styles=(Style("ink", "Ink", "{prompt}, ink"),))])
    assert (request.prompt, request.style) == ("a pencil sketch of a red ball", "")
    assert said == ("Fake has no style 'sketch'; its words are in the prompt.",)


def test_prompts_that_are_too_long_are_cut(fake: ModelSpec):
    request, said = notes([fake], prompt="x" * 20_000, negative_prompt="y" * 20_000)
    assert len(request.prompt) == len(request.negative_prompt) == MAX_PROMPT
    assert len(said) == 2 and "longer than 10,000 characters" in said[0]


def test_what_has_no_place_here_is_named(fake: ModelSpec):
    _, said = notes([fake], left_out="sampler Euler a, LoRA ink", parents=("a" * 32,))
    assert said == (
        "It was made from another picture; from its words alone the result will differ.",
        "Not carried over: sampler Euler a, LoRA ink.",
    )


NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70)


@given(
    prompt=st.text(min_size=1),
    sizes=st.tuples(st.integers(0, 2**31), st.integers(0, 2**31)),
    steps=st.none() | st.integers(0, 2**31),
    guidance=st.none() | NUMBERS,
    seed=st.none() | st.integers(0, MAX_UPLOADED_SEED),
    model=st.text() | st.sampled_from(["fake", "flux2-klein-4b", "flux1-dev"]),
    style=st.sampled_from(["", "sketch", "x"]),
)
def test_whatever_a_recipe_says_the_request_is_accepted_as_it_is(
    prompt: str,
    sizes: tuple[int, int],
    steps: int | None,
    guidance: float | None,
    seed: int | None,
    model: str,
    style: str,
):
    catalog = [spec_of(FakeModel()), KLEIN, ABSENT]
    recipe = replace(
        PLAIN,
        prompt=prompt,
        prompt_sent=prompt,
        width=sizes[0],
        height=sizes[1],
        steps=steps,
        guidance=guidance,
        seed=seed,
        model=model,
        style=style,
    )
    settings = fit(recipe, catalog)
    if settings.request is None:
        return
    (spec,) = [spec for spec in catalog if spec.id == settings.request.model]
    whole = completed(settings.request, spec)
    assert replace(whole, seed=None, prompt="") == replace(settings.request, seed=None, prompt="")
    assert all(isinstance(note, str) and note.endswith(".") for note in settings.notes)


def test_a_cloud_is_kept_for_who_has_its_key_and_never_takes_anothers_place(fake: ModelSpec):
    def ready(owner: str) -> Readiness:
        return Readiness(owner == "ada", "needs SKIES_KEY")

    cloud = spec_of(FakeModel(), "skies", provider="Skies", readiness=lambda: ready(""), readiness_of=ready)
    made = replace(PLAIN, model="skies")
    for owner, catalog, model in (("ada", [fake, cloud], "skies"), ("grace", [fake, cloud], "fake")):
        request = fit(made, catalog, owner).request
        assert request is not None
        assert request.model == model
    settings = fit(replace(PLAIN, model="gone"), [cloud, fake], "ada")
    assert settings.request is not None
    assert settings.request.model == "fake"
    assert "cannot run here (needs SKIES_KEY)" in fit(made, [fake, cloud], "grace").notes[0]


def test_loras_that_are_here_are_kept_and_the_others_are_said(fake: ModelSpec):
    prompt = "a castle <lora:pixel-art:0.8> at night<lora:ink:1><lora:Night v2.safetensors>"
    recipe = replace(
        PLAIN,
        prompt=prompt,
        source="A1111",
        task="upload",
        left_out="LoRA pixel-art, LoRA ink, sampler Heun",
    )
    knowing = replace(fake, loras=lambda: ("pixel-art", "Night v2"))
    settings = fit(recipe, [knowing])
    assert settings.request is not None
    assert settings.request.prompt == "a castle <lora:pixel-art:0.8> at night<lora:Night v2.safetensors>"
    assert "Not carried over: LoRA ink, sampler Heun." in settings.notes
    settings = fit(recipe, [fake])
    assert settings.request is not None and settings.request.prompt == "a castle at night"
    assert any("LoRA pixel-art, LoRA ink, sampler Heun, LoRA Night v2" in note for note in settings.notes)


def test_the_sampler_is_carried_over_to_a_model_that_has_it(fake: ModelSpec):
    samples = replace(fake, samplers=("Euler", "DPM++ 2M Karras"))
    theirs = {"source": "A1111", "left_out": "sampler DPM++ 2M, schedule type Karras, LoRA ink"}
    request, said = notes([samples], **theirs)
    assert request.sampler == "DPM++ 2M Karras" and said == ("Not carried over: LoRA ink.",)
    request, said = notes([fake], **theirs)
    assert request.sampler == "" and said == ("Not carried over: sampler DPM++ 2M, schedule type Karras, LoRA ink.",)
    request, said = notes([samples], source="A1111", left_out="sampler Heun")
    assert request.sampler == "Euler" and said == ("Not carried over: sampler Heun.",)
    assert notes([samples], sampler="DPM++ 2M Karras")[0].sampler == "DPM++ 2M Karras"
    assert notes([samples])[0].sampler == "Euler"
    assert notes([fake], sampler="Euler")[1] == (f"{fake.label} has no sampler 'Euler'; it is left out.",)


def test_the_precision_is_carried_over_where_this_machine_keeps_the_weights_so(fake: ModelSpec):
    keeps = replace(fake, precisions=("fp8", "nf4"))
    request, said = notes([keeps], prompt="a ball", precision="nf4")
    assert (request.precision, said) == ("nf4", ())
    request, said = notes([fake], prompt="a ball", precision="nf4")
    assert request.precision == "" and "which this machine does not do" in said[0]
    assert notes([keeps], prompt="a ball")[0].precision == ""


def test_fast_is_carried_over_where_it_is_possible(fake: ModelSpec):
    request, said = notes([replace(fake, fast=True)], prompt="a ball", fast=True)
    assert (request.fast, said) == (True, ())
    request, said = notes([fake], prompt="a ball", fast=True)
    assert not request.fast and "compiled (Fast), which this machine does not do" in said[0]
