"""The versions of a picture: a tree by what each was made from first. Reads the index, changes nothing.

Objects are no versions: a picture that was made from an object hangs under the picture the object was cut out of.
A version in the trash stays in the tree while something that was made from it is not there too.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from studio.library.assets import Asset, to_asset
from studio.library.database import Database

MAX_NODES = 2_000
_MOST_STEPS = 10_000
"""From a version up to its root, objects counted too: recipes may be written by anybody, also in circles."""


@dataclass(frozen=True)
class TreeNode:
    """A version."""

    asset: Asset  # `deleted` where it is only kept for what was made from it
    parent: str | None  # id of the version it was made from; None: the root
    depth: int  # 0: the root


@dataclass(frozen=True)
class Tree:
    """All versions of one picture."""

    root: str  # asset id
    nodes: tuple[TreeNode, ...]  # each before what was made from it, siblings from old to new
    is_whole: bool = True  # False: there are more than MAX_NODES, and the deepest are left out

    def under(self, asset_id: str) -> tuple[str, ...]:
        """Ids of a version and of all that was made from it and is not deleted."""
        wanted = {asset_id}
        for node in self.nodes:
            if node.parent in wanted:
                wanted.add(node.asset.id)
        return tuple(node.asset.id for node in self.nodes if node.asset.id in wanted and not node.asset.deleted)


def tree_of(database: Database, asset: Asset) -> Tree:
    """The tree that an asset is in; for an object, the one of its picture."""
    root = way_back(database, asset)[-1]
    family, is_whole = _family(database, root)
    nodes = _in_order(root, family)
    return Tree(root.id, _without_dead_ends(nodes), is_whole)


def way_back(database: Database, asset: Asset) -> list[Asset]:
    """The asset, what it was made from, and so on to the first picture of all that is there; objects are left out."""
    way, seen = [asset], {asset.id}
    while way[-1].parents and way[-1].parents[0] not in seen and len(seen) < _MOST_STEPS:
        rows = database.rows("SELECT * FROM assets WHERE id = ? AND owner = ?", (way[-1].parents[0], asset.owner))
        if not rows:
            break
        way.append(to_asset(rows[0]))
        seen.add(way[-1].id)
    return [each for each in way if each.kind == "image"] or [asset]


def _family(database: Database, root: Asset) -> tuple[list[tuple[Asset, str]], bool]:
    """All that was made from the root first of all, nearest first, each with its first parent; objects too."""
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
    """From the root down, siblings from old to new; what is no picture is left out, not what was made from it."""
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
    """What is deleted stays only where something below it is not."""
    needed: set[str] = {nodes[0].asset.id}
    for node in reversed(nodes):
        if not node.asset.deleted or node.asset.id in needed:
            needed.add(node.asset.id)
            if node.parent is not None:
                needed.add(node.parent)
    return tuple(node for node in nodes if node.asset.id in needed)
