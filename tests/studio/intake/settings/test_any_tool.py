"""Which tool's text counts, and that no text at all raises."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from studio.intake.settings.any_tool import finding_in
from studio.intake.settings.foreign_values import MAX_TEXT, bounded, number, parsed, whole
from tests.studio.intake.settings.graphs import read_graph
from tests.studio.intake.settings.test_a1111 import A1111
from tests.studio.intake.settings.test_comfyui import CLASSIC, comfy


def test_a1111s_text_wins_over_the_graph_beside_it():
    found = finding_in({"prompt": comfy(**CLASSIC), "parameters": A1111})
    assert found is not None and found.tool == "A1111"


def test_a_text_that_says_nothing_does_not_hide_the_one_that_does():
    found = finding_in({"parameters": "{}", "invokeai_metadata": "[]", "prompt": comfy(**CLASSIC)})
    assert found is not None and found.tool == "ComfyUI"


def test_what_was_drawn_counts_where_what_was_run_is_not_there():
    drawing = json.dumps({"nodes": [{"id": 1, "type": "KSampler", "inputs": [], "widgets_values": [5, "fixed", 9, 2]}]})
    found = finding_in({"workflow": drawing, "prompt": comfy(**CLASSIC)})
    assert found is not None and found.steps == 20
    found = finding_in({"workflow": json.dumps({"nodes": [], "links": []}), "prompt": "{"})
    assert found is None or not found.says_anything


def test_without_texts_nothing_is_found():
    assert finding_in({}) is None
    assert finding_in({"prompt": "a photograph", "parameters": ""}) is None


HOSTILE = (
    "[" * 100_000,
    '{"a":' * 100_000,
    "1" * 10_000,
    "NaN",
    "Infinity",
    '"\\ud800"',
    "\0",
    '{"1": {"class_type": 5, "inputs": {"latent_image": [1e999, NaN], "positive": [[], {}], "steps": 1e400}}}',
    '{"1": {"class_type": null, "inputs": {"latent_image": 1, "guider": ["1", 0], "noise": ["1", 0], "cfg": "x"}}}',
    '{"positive_prompt": {"a": 1}, "model": [], "loras": {"a": 1}, "steps": true, "width": -1, "height": "x"}',
    '{"image": {"prompt": [1, {}, {"prompt": 5}]}, "model_weights": 7}',
    "<script>alert(1)</script>\nSteps: 1, Seed: <img src=x onerror=alert(1)>, Size: ${{7*7}}",
    "OPENAI_API_KEY=sk-1234567890\nSteps: 1, Seed: 5, Model: sk-1234567890",
    "a" * 1_000_000,
    " " * 100_000 + "x:" * 100_000,
    'a: "' * 20_000,
    '"' * 50_000,
    "x -s" * 50_000,
    "[" * 50_000 + "]" * 50_000,
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("keyword", ["parameters", "prompt", "invokeai_metadata", "sd-metadata", "Dream"])
def test_hostile_text_survives_as_text(keyword: str, text: str):
    found = finding_in({keyword: text})
    if found is not None:
        assert found.says_anything or found.left_out
        assert len(found.prompt) <= MAX_TEXT and len(found.model) <= 200
        assert "\0" not in found.prompt


@given(
    st.text(st.characters(codec=None), max_size=300), st.sampled_from(["parameters", "prompt", "sd-metadata", "Dream"])
)
def test_no_text_raises(text: str, keyword: str):
    finding_in({keyword: text})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["1", "2", "inputs", "class_type", "positive", "latent_image", "guider", "text", "image", "prompt"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON, st.sampled_from(["prompt", "invokeai_metadata", "sd-metadata"]))
def test_no_json_raises(value: Any, keyword: str):
    finding_in({keyword: json.dumps(value)})


@given(
    st.dictionaries(
        st.sampled_from("123"),
        st.dictionaries(
            st.sampled_from(
                ["text", "positive", "latent_image", "model", "width", "steps", "seed", "images", "value", "cfg"]
            ),
            JSON | st.tuples(st.sampled_from("123"), st.just(0)).map(list),
            max_size=8,
        ),
    )
)
def test_no_graph_raises(inputs: dict[str, Any]):
    read_graph(json.dumps({id: {"class_type": "KSampler", "inputs": values} for id, values in inputs.items()}))


def test_numbers_are_finite_and_whole_ones_fit_in_64_bits():
    assert [whole(value) for value in (5, 5.0, "5", 2**64 - 1, 0)] == [5, 5, 5, 2**64 - 1, 0]
    assert [whole(value) for value in (-1, 2**64, True, 5.5, "x", "-1", None, [], float("inf"), "٣")] == [None] * 10
    assert [number(value) for value in (1, "1.5", 2.5)] == [1.0, 1.5, 2.5]
    assert [number(value) for value in (True, "nan", "inf", float("nan"), 10**400, "9" * 400, None, {})] == [None] * 8


def test_texts_are_bounded_and_clean():
    assert bounded(" a\0b\ud800c\x07 ") == "abc"
    assert bounded(5) == "" and len(bounded("x" * 10**6)) == MAX_TEXT
    assert parsed("[NaN, 1]") == [None, 1] and parsed("[") is None
