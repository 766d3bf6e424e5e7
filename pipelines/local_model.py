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

    family: str  # one of FAMILIES or, if no other model shares it, "module:function" as there
    needs: Needs | Whole
    download: Download | None = None
    gguf: tuple[tuple[Precision, Download], ...] = ()  # quantized files of its network, to use instead
    work: Work | None = None  # the work of a picture, to estimate its time without a GPU
    variant: str = ""  # which of its family, if the weights do not show it
    words_file: str = ""  # if bundled: the JSON file with the words it knows; "": any
    follows: str = ""  # id of a larger model to offer before it if that one is fast
    beside: str = ""  # if bundled: the bundled model that it requires
    own_file: str = ""  # variable that names its weights, which are on no Hub; the download is in addition
    also: tuple[str, ...] = ()  # small files required in addition to the one file of its download
    own_file_from: str = ""  # where to get that file
    at: Path | None = None  # the user's own file or folder
    config: Path | None = None  # of a single-file pipeline: the folder with its configuration
    part: str = ""  # that file's only component; the download has the others
    fault: str = ""  # why it cannot be opened, as a sentence
    optional: bool = False  # hidden if its weights are missing
    otherwise: str = "The toy model runs everywhere."  # what to do if the machine is too small

    @property
    def unopened(self) -> tuple[str, ...]:
        """Components that a folder may have and that are not used."""
        return ("safety_checker", "feature_extractor") if "stable-diffusion" in self.family else ()

    @property
    def bundles(self) -> tuple[str, ...]:
        """For a bundled model: its folders in weights/, its own first."""
        return (self.id, self.beside) if self.beside else (self.id,)

    def named(self) -> Path | None:
        """The file that the user named as its weights."""
        path = os.environ.get(self.own_file, "") if self.own_file else ""
        return Path(path).expanduser() if path else None
