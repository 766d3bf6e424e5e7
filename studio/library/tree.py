"""The versions of a picture: a tree by first parents. Reads the index, changes nothing.

Objects are not versions: a picture made from an object belongs to the picture the object was cut out of.
A deleted version stays in the tree while any of its descendants is not deleted.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from studio.library.assets import Asset, to_asset
from studio.library.database import Database

MAX_NODES = 2_000
_MOST_STEPS = 10_000
"""From a version up to its root, objects included: recipes may come from anybody, even with cycles."""


@dataclass(frozen=True)
class TreeNode:
    """A version."""

    asset: Asset  # `deleted` if it is only kept for its descendants
    parent: str | None  # id of the version it was made from; None: the root
    depth: int  # 0: the root


@dataclass(frozen=True)
class Tree:
    """All versions of one picture."""

    root: str  # asset id
    nodes: tuple[TreeNode, ...]  # parents before children, siblings from old to new
    is_whole: bool = True  # False: more than MAX_NODES, without the deepest

    def under(self, asset_id: str) -> tuple[str, ...]:
        """Ids of a version and all its descendants that are not deleted."""
        wanted = {asset_id}
        for node in self.nodes:
            if node.parent in wanted:
                wanted.add(node.asset.id)
        return tuple(node.asset.id for node in self.nodes if node.asset.id in wanted and not node.asset.deleted)


def tree_of(database: Database, asset: Asset) -> Tree:
    """The tree of an asset; for an object, that of its picture."""
    root = way_back(database, asset)[-1]
    family, is_whole = _family(database, root)
    nodes = _in_order(root, family)
    return Tree(root.id, _without_dead_ends(nodes), is_whole)


def way_back(database: Database, asset: Asset) -> list[Asset]:
    """The asset, its first parent, and so on to the earliest existing picture; objects are left out."""
    way, seen = [asset], {asset.id}
    while way[-1].parents and way[-1].parents[0] not in seen and len(seen) < _MOST_STEPS:
        rows = database.rows("SELECT * FROM assets WHERE id = ? AND owner = ?", (way[-1].parents[0], asset.owner))
        if not rows:
            break
        way.append(to_asset(rows[0]))
        seen.add(way[-1].id)
    return [each for each in way if each.kind == "image"] or [asset]


def _family(database: Database, root: Asset) -> tuple[list[tuple[Asset, str]], bool]:
    """All descendants of the root by first parents, nearest first, each with its first parent; objects too."""
    rows = database.rows(
        """
        WITH RECURSIVE family (id) AS (
            SELECT ?
            UNION
            SELECT assets.id FROM family
            JOIN lineage ON lineage.parent = family.id
            JOIN assets ON assets.id = lineage.child
            WHERE assets.owner = ? AND json_extract(assets.recipe, '$.parents[0]') = family.id
            LIMIT ?
        )
        SELECT assets.* FROM family JOIN assets ON assets.id = family.id
        """,
        (root.id, root.owner, MAX_NODES + 1),
    )
    assets = [to_asset(row) for row in rows]
    found = [(asset, asset.parents[0]) for asset in assets if asset.id != root.id]
    return found[: MAX_NODES - 1], len(assets) <= MAX_NODES


def _in_order(root: Asset, family: list[tuple[Asset, str]]) -> list[TreeNode]:
    """From the root down, siblings from old to new; other kinds are left out, but not their descendants."""
    children: dict[str, list[Asset]] = defaultdict(list)
    for asset, parent in family:
        children[parent].append(asset)
    nodes: list[TreeNode] = []
    waiting: list[tuple[Asset, str | None, int]] = [(root, None, 0)]
    while waiting:
        asset, parent, depth = waiting.pop()
        is_version = asset.kind == "image" or asset.id == root.id
        if is_version:
            nodes.append(TreeNode(asset, parent, depth))
            parent, depth = asset.id, depth + 1
        offspring = sorted(children.pop(asset.id, ()), key=lambda one: (one.created, one.index, one.id), reverse=True)
        waiting += [(child, parent, depth) for child in offspring]
    return nodes


def _without_dead_ends(nodes: list[TreeNode]) -> tuple[TreeNode, ...]:
    """Deleted nodes stay only above one that is not."""
    needed: set[str] = {nodes[0].asset.id}
    for node in reversed(nodes):
        if not node.asset.deleted or node.asset.id in needed:
            needed.add(node.asset.id)
            if node.parent is not None:
                needed.add(node.parent)
    return tuple(node for node in nodes if node.asset.id in needed)
