"""Group nodes of ComfyUI's page, the predecessors of its subgraphs, converted to subgraphs.

Source: Comfy-Org/ComfyUI_frontend src/extensions/core/groupNode.ts: nodes without ids, links by index, [from, output,
to, input, ...]; the inputs, outputs and widgets of the group are the unconnected ones of its nodes, in order.
"""

from __future__ import annotations

from typing import Any

FROM_OUTSIDE, TO_OUTSIDE = -10, -20
"""Ids of a subgraph's own ends."""
PREFIXES = ("workflow>", "workflow/")
_MAX_NODES = 1_000


def subgraph_of(group: dict[str, Any], instance: dict[str, Any]) -> dict[str, Any]:
    """The inside of one group node, with the values it was given."""
    found = group.get("nodes")
    inner = [dict(node) for node in found[:_MAX_NODES] if isinstance(node, dict)] if isinstance(found, list) else []
    links = [link for link in _lists(group.get("links")) if all(type(one) is int for one in link[:4])]
    sources = {(link[2], link[3]): (link[0], link[1]) for link in links}
    used = {(link[0], link[1]) for link in links}
    shown = {(one[0], one[1]) for one in _lists(group.get("external"), least=2)}
    values = instance.get("widgets_values")
    left = list(values) if isinstance(values, list) else []
    made: list[list[Any]] = []
    outside = ends = 0
    for id, node in enumerate(inner):
        own = node.get("widgets_values")
        if isinstance(own, list) and len(left) >= len(own):
            node["widgets_values"], left = left[: len(own)], left[len(own) :]
        slots = node.get("inputs")
        slots = [dict(slot) for slot in slots if isinstance(slot, dict)] if isinstance(slots, list) else []
        for place, slot in enumerate(slots):
            origin = sources.get((id, place))
            if origin is None:
                origin, outside = (FROM_OUTSIDE, outside), outside + 1
            slot["link"] = len(made)
            made.append([len(made), *origin, id, place, slot.get("type")])
        node |= {"id": id, "inputs": slots}
        outputs = node.get("outputs")
        for place in range(len(outputs) if isinstance(outputs, list) else 0):
            if (id, place) not in used or (id, place) in shown:
                made.append([len(made), id, place, TO_OUTSIDE, ends, None])
                ends += 1
    return {"nodes": inner, "links": made}


def _lists(values: Any, least: int = 4) -> list[list[Any]]:
    if not isinstance(values, list):
        return []
    return [
        one for one in values if isinstance(one, list) and len(one) >= least and all(_plain(two) for two in one[:4])
    ]


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int)
