"""The layout of an outputs folder: a folder for each kind, the trash and the thumbnails. Knows no index."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from studio.errors import StorageFailed
from studio.library import files, kinds
from studio.recipe import Recipe

FOLDERS = (*kinds.FOLDERS.values(), "trash", "thumbs")
"""What an outputs folder has."""


class Folders:
    """The folders of one outputs folder, created if missing.

    Attributes:
        thumbnails: a cache; may be empty.
    """

    def __init__(self, outputs: Path) -> None:
        self.thumbnails = outputs / "thumbs"
        self._trash = outputs / "trash"
        self._kept = {ending: outputs / name for ending, name in kinds.FOLDERS.items()}
        for name in FOLDERS:
            with files.storage_errors(outputs):
                (outputs / name).mkdir(mode=0o700, parents=True, exist_ok=True)
                files.sync_folder(outputs)

    def of(self, name: str, *, deleted: bool = False) -> Path:
        """The folder for a file of this name, or with this ending."""
        return self._trash if deleted else self._kept["." + name.rpartition(".")[2]]

    def names(self) -> dict[str, bool]:
        """Names of the files that may be assets, and whether each is in the trash."""
        there = dict.fromkeys(kinds.names_in(self._trash), True)
        for ending, folder in self._kept.items():
            there |= dict.fromkeys((name for name in kinds.names_in(folder) if name.endswith(ending)), False)
        return there

    def give_name(self, temporary: Path, recipe: Recipe, ending: str) -> Path:
        """Rename a complete file to a name that no asset has."""
        for name in files.file_names(recipe.created, recipe.title, recipe.id, ending):
            path = self.of(name) / name
            if not path.exists() and not (self._trash / name).exists():
                temporary.rename(path)
                return path
        raise StorageFailed(f"{temporary.parent} already has a file with the id {recipe.id}. Try again.")

    def move(self, names: Sequence[str], *, deleted: bool) -> tuple[list[str], OSError | None]:
        """Move files into the trash or back. Returns which were moved, and the error at the next one."""
        moved, refused = list[str](), None
        changed = {self.of(name) for name in names}
        for folder in (*changed, self._trash):
            files.refuse_link(folder)
        try:
            for name in names:
                source = self.of(name, deleted=not deleted) / name
                if source.exists():
                    source.rename(self.of(name, deleted=deleted) / name)
                moved.append(name)
        except OSError as error:
            refused = error
        for folder in (*changed, self._trash) if deleted else (self._trash, *changed):
            files.sync_folder(folder)
        return moved, refused

    def remove_leftovers(self) -> None:
        """Remove files that a killed process was writing."""
        for folder in (*self._kept.values(), self._trash, self.thumbnails):
            files.remove_leftovers(folder)
