"""The record of a model that runs on this machine; see `records`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pipelines.hub.cache import Download
from pipelines.plan import Needs, Precision, Whole
from pipelines.speed import Work
from studio.contract import ModelCard


@dataclass(frozen=True, kw_only=True)
class LocalModel(ModelCard):
    """One local model. Without a download it is bundled: its weights are in weights/<id>."""

    family: str  # one of FAMILIES; or, where no other model shares it, "module:function" as there
    needs: Needs | Whole
    download: Download | None = None
    gguf: tuple[tuple[Precision, Download], ...] = ()  # its network in files of few bits, which come in its place
    work: Work | None = None  # what a picture costs, so that it can be said how long it takes without a GPU
    variant: str = ""  # which of its family, where the weights do not say it
    words_file: str = ""  # of a bundled one: the JSON file with the words that it was taught; "": any will do
    follows: str = ""  # id of a larger model that is offered before it where that one is quick
    beside: str = ""  # of a bundled one: the bundled model that it cannot do without
    own_file: str = ""  # name of the variable that names its weights, which are on no Hub; the download goes beside
    also: tuple[str, ...] = ()  # small files that are needed beside the one file of its download
    own_file_from: str = ""  # where a person gets that file
    at: Path | None = None  # a person's own file or folder
    config: Path | None = None  # of one that is a whole pipeline: a folder that says how that is built
    part: str = ""  # the component that is all that file has; the download has the others
    fault: str = ""  # why that cannot be opened, as a sentence
    optional: bool = False  # left out where its weights are not
    otherwise: str = "The toy model runs everywhere."  # what to do where the machine is too small

    @property
    def unopened(self) -> tuple[str, ...]:
        """Components that a folder may have and that nothing here uses."""
        return ("safety_checker", "feature_extractor") if "stable-diffusion" in self.family else ()

    @property
    def bundles(self) -> tuple[str, ...]:
        """Of a bundled one: the folders in weights/ that it is opened from, its own first."""
        return (self.id, self.beside) if self.beside else (self.id,)

    def named(self) -> Path | None:
        """The file that a person named as its weights."""
        path = os.environ.get(self.own_file, "") if self.own_file else ""
        return Path(path).expanduser() if path else None
