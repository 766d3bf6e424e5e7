"""Graphs as ComfyUI's page draws them: widgets without names, muted and bypassed nodes, subgraphs, Set and Get."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from studio.intake.settings.foreign_values import Finding
from tests.studio.intake.settings.graphs import read_graph
from tests.studio.intake.settings.test_comfyui_words import FOUND as BOAT, NEGATIVE, PROMPT

SAMPLED = [424242, "randomize", 23, 6.5, "euler", "normal", 1]


class Drawing:
    """A workflow in the making: `add` a node with what its inputs are linked to."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.links: list[list[Any]] = []

    def add(
        self, id: int, kind: str, widgets: Any = (), mode: int = 0, outputs: tuple[str, ...] = (), **inputs: Any
    ) -> None:
        """
        Args:
            inputs: (node, output, type) that they are linked to; None: no link.
        """
        slots = []
        for place, (name, source) in enumerate(inputs.items()):
            number = None
            if source is not None:
                number = len(self.links) + 1
                self.links.append([number, source[0], source[1], id, place, source[2]])
            slots.append({"name": name, "type": source[2] if source else "*", "link": number})
        values = widgets if isinstance(widgets, dict) else list(widgets)
        made = [{"name": kind, "type": kind, "links": []} for kind in outputs]
        self.nodes.append(
            {"id": id, "type": kind, "mode": mode, "inputs": slots, "outputs": made, "widgets_values": values}
        )

    def node(self, id: int) -> dict[str, Any]:
        return next(node for node in self.nodes if node["id"] == id)

    def graph(self, **more: Any) -> dict[str, Any]:
        return {"nodes": self.nodes, "links": self.links, "version": 0.4, **more}


def drawn(**sources: Any) -> Drawing:
    """The usual graph; what reaches the sampler and its encoders may come from elsewhere."""
    drawing = Drawing()
    drawing.add(4, "CheckpointLoaderSimple", ["meadow_v2.safetensors"], outputs=("MODEL", "CLIP", "VAE"))
    drawing.add(5, "EmptyLatentImage", [512, 768, 1], outputs=("LATENT",))
    text = {"text": sources["text"]} if "text" in sources else {}
    drawing.add(
        6, "CLIPTextEncode", ["of old" if text else PROMPT], outputs=("CONDITIONING",), clip=(4, 1, "CLIP"), **text
    )
    drawing.add(7, "CLIPTextEncode", [NEGATIVE], outputs=("CONDITIONING",), clip=(4, 1, "CLIP"))
    drawing.add(
        3,
        "KSampler",
        SAMPLED,
        outputs=("LATENT",),
        model=sources.get("model", (4, 0, "MODEL")),
        positive=sources.get("positive", (6, 0, "CONDITIONING")),
        negative=(7, 0, "CONDITIONING"),
        latent_image=(5, 0, "LATENT"),
    )
    drawing.add(8, "VAEDecode", [], outputs=("IMAGE",), samples=(3, 0, "LATENT"), vae=(4, 2, "VAE"))
    drawing.add(9, "SaveImage", ["x"], images=(8, 0, "IMAGE"))
    drawing.add(10, "Note", ["a goat on a hill"])
    return drawing


def read(drawing: Drawing, **more: Any) -> Finding | None:
    return read_graph(json.dumps(drawing.graph(**more)))


def test_the_usual_drawing_is_read():
    assert read(drawn()) == BOAT


def test_widgets_with_names_are_read_by_their_names():
    drawing = drawn(text=(20, 0, "STRING"))
    drawing.add(20, "A Join Nobody Knows", ["soft light", "a paper boat on a pond", ", "], outputs=("STRING",))
    drawing.node(20)["inputs"] = [
        {"name": name, "type": "STRING", "widget": {"name": name}, "link": None}
        for name in ("text_b", "text_a", "delimiter")
    ]
    sampler = drawing.node(3)
    named = ("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise")
    sampler["type"], sampler["inputs"] = (
        "KSampler of Nobody",
        [
            *sampler["inputs"],
            *({"name": name, "type": "INT", "widget": {"name": name}, "link": None} for name in named),
        ],
    )
    assert read(drawing) == BOAT


def test_what_the_page_does_itself_is_done():
    drawing = drawn(text=(20, 0, "STRING"), model=(21, 0, "MODEL"), positive=(24, 0, "CONDITIONING"))
    drawing.add(20, "PrimitiveNode", [PROMPT, "fixed"], outputs=("STRING",))
    drawing.add(21, "Reroute", outputs=("*",), model=(22, 0, "MODEL"))
    drawing.add(22, "GetNode", ["meadow"], outputs=("MODEL",))
    drawing.add(23, "SetNode", ["meadow"], outputs=("*",), MODEL=(4, 0, "MODEL"))
    drawing.add(24, "GetNode", ["words"], outputs=("CONDITIONING",))
    drawing.add(25, "SetNode", ["words"], outputs=("*",), CONDITIONING=(6, 0, "CONDITIONING"))
    assert read(drawing) == BOAT


def test_bypassed_nodes_hand_on_what_they_get_and_muted_ones_nothing():
    drawing = drawn(model=(20, 0, "MODEL"), positive=(21, 0, "CONDITIONING"))
    loaded = {"model": (4, 0, "MODEL"), "clip": (4, 1, "CLIP")}
    drawing.add(20, "LoraLoader", ["ink.safetensors", 1, 1], 4, ("MODEL", "CLIP"), **loaded)
    both = {"negative": (7, 0, "OTHER"), "positive": (6, 0, "CONDITIONING")}
    drawing.add(21, "ControlNetApply", [1.0], 4, ("CONDITIONING",), **both)
    drawing.add(30, "KSampler", [1, "fixed", 1, 1, "heun", "simple", 1], 2, ("LATENT",), latent_image=(5, 0, "LATENT"))
    drawing.add(31, "SaveImage", ["y"], 2, images=(30, 0, "LATENT"))
    assert read(drawing) == BOAT


def subgraph(id: str, inner: Drawing, ends: list[list[Any]]) -> dict[str, Any]:
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    links = [dict(zip(names, link, strict=True)) for link in (*inner.links, *ends)]
    return {"id": id, "name": "A part", "nodes": inner.nodes, "links": links, "inputs": [], "outputs": []}


def test_subgraphs_are_unfolded_one_in_the_other():
    deepest = Drawing()
    deepest.add(1, "StringConcatenate", ["", "soft light", ", "], outputs=("STRING",), string_a=(-10, 0, "STRING"))
    middle = Drawing()
    middle.add(1, "deepest", [], outputs=("STRING",), words=(-10, 1, "STRING"))
    middle.add(2, "CLIPTextEncode", [""], outputs=("CONDITIONING",), text=(1, 0, "STRING"), clip=(-10, 0, "CLIP"))
    definitions = {
        "subgraphs": [
            subgraph("deepest", deepest, [[90, 1, 0, -20, 0, "STRING"]]),
            subgraph("middle", middle, [[90, 2, 0, -20, 0, "CONDITIONING"]]),
        ]
    }
    drawing = drawn(positive=(20, 0, "CONDITIONING"))
    drawing.add(20, "middle", [], outputs=("CONDITIONING",), clip=(4, 1, "CLIP"), words=(21, 0, "STRING"))
    drawing.add(21, "PrimitiveString", ["a paper boat on a pond"], outputs=("STRING",))
    assert read(drawing, definitions=definitions) == BOAT


def test_values_on_the_outside_of_a_subgraph_count():
    inner = Drawing()
    inner.add(
        2, "CLIPTextEncode", ["of old"], outputs=("CONDITIONING",), text=(-10, 1, "STRING"), clip=(-10, 0, "CLIP")
    )
    drawing = drawn(positive=(20, 0, "CONDITIONING"))
    drawing.add(20, "part", [PROMPT], outputs=("CONDITIONING",), clip=(4, 1, "CLIP"), text=None)
    drawing.node(20)["inputs"][1]["widget"] = {"name": "text"}
    definitions = {"subgraphs": [subgraph("part", inner, [[90, 2, 0, -20, 0, "CONDITIONING"]])]}
    assert read(drawing, definitions=definitions) == BOAT


def test_group_nodes_are_unfolded():
    group = {
        "nodes": [
            {"type": "Text", "widgets_values": ["of old"], "inputs": [], "outputs": [{"type": "STRING"}]},
            {
                "type": "CLIPTextEncode",
                "widgets_values": ["of old"],
                "inputs": [{"name": "clip", "type": "CLIP"}, {"name": "text", "type": "STRING"}],
                "outputs": [{"type": "CONDITIONING"}],
            },
            {
                "type": "CLIPTextEncode",
                "widgets_values": ["of old"],
                "inputs": [{"name": "clip", "type": "CLIP"}],
                "outputs": [{"type": "CONDITIONING"}],
            },
        ],
        "links": [[0, 0, 1, 1, 7, "STRING"]],
    }
    drawing = drawn(positive=(20, 0, "CONDITIONING"))
    clips: dict[str, Any] = {"clip": (4, 1, "CLIP"), "CLIPTextEncode clip": (4, 1, "CLIP")}
    drawing.add(20, "workflow>Both", [PROMPT, "unused", NEGATIVE], outputs=("CONDITIONING", "CONDITIONING"), **clips)
    for link in drawing.links:
        if link[3] == 3 and link[4] == 2:
            link[1], link[2] = 20, 1
    assert read(drawing, extra={"groupNodes": {"Both": group}}) == BOAT


def test_what_is_sent_without_a_link_arrives():
    drawing = drawn(model=None)
    sent = {"downstream": 3, "downstream_slot": 0, "upstream": "4", "upstream_slot": 0, "type": "MODEL"}
    assert read(drawing, extra={"ue_links": [sent]}) == BOAT


def test_subgraphs_that_hold_themselves_end():
    inner = Drawing()
    for id in range(30):
        inner.add(id, "part", [], outputs=("CONDITIONING",), words=(-10, 0, "STRING"))
    drawing = drawn(positive=(20, 0, "CONDITIONING"))
    drawing.add(20, "part", [], outputs=("CONDITIONING",))
    found = read(drawing, definitions={"subgraphs": [subgraph("part", inner, [[900, 1, 0, -20, 0, "CONDITIONING"]])]})
    assert found is not None and (found.prompt, found.negative_prompt, found.seed) == ("", NEGATIVE, 424242)


@pytest.mark.parametrize(
    "values",
    [
        {"nodes": [{"id": 1}, 5, None], "links": [[1], None, {"id": 1}]},
        {"nodes": [{"id": 1, "type": "KSampler", "inputs": [{"link": 1}], "widgets_values": 5}], "links": 5},
        {"nodes": [{"id": [], "type": {}, "inputs": {}, "mode": 4, "outputs": 1}], "definitions": {"subgraphs": 5}},
        {
            "nodes": [{"id": 1, "type": "workflow>A"}],
            "extra": {"groupNodes": {"A": {"nodes": [{}, 5], "links": [[0, 0, 0, 0]]}}},
        },
        {
            "nodes": [{"id": 1, "type": "workflow>A"}],
            "extra": {"groupNodes": {"A": {"nodes": [{"inputs": 5}], "links": 5}}},
        },
        {"nodes": [{"id": 1, "type": "GetNode", "widgets_values": [[]]}, {"id": 2, "type": "SetNode"}]},
    ],
    ids=range(6),
)
def test_no_drawing_raises(values: dict[str, Any]):
    found = read_graph(json.dumps(values))
    assert found is None or found.tool == "ComfyUI"


NAMES = (
    *("id", "type", "mode", "inputs", "outputs", "widgets_values", "link", "name", "widget", "nodes", "links"),
    *("origin_id", "origin_slot", "target_id", "target_slot", "groupNodes", "ue_links", "subgraphs", "external"),
)
ANY = st.recursive(
    st.none()
    | st.integers(-20, 5)
    | st.sampled_from(["KSampler", "GetNode", "SetNode", "part", "workflow>A", "text", "3", ""]),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)


@given(ANY, ANY, ANY, ANY)
def test_no_json_that_looks_like_a_drawing_raises(nodes: Any, links: Any, definitions: Any, extra: Any):
    values = {"nodes": nodes if isinstance(nodes, list) else [nodes], "links": links}
    read_graph(json.dumps(values | {"definitions": definitions, "extra": extra}))
