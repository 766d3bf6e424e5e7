"""What has to be known of a model that runs on this machine; `records` says it of each."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.hub.cache import Download
from pipelines.plan import Needs, Whole
from studio.contract import ModelCard


@dataclass(frozen=True, kw_only=True)
class LocalModel(ModelCard):
    """One local model. Without a download it is bundled: its weights are in weights/<id>."""

    family: str  # one of FAMILIES; or, where no other model shares it, "module:function" as there
    needs: Needs | Whole
    download: Download | None = None
    variant: str = ""  # which of its family, where the weights do not say it
    text_tokens: int = 512  # prompts are padded or cut to this many tokens
    words_file: str = ""  # of a bundled one: the JSON file with the words that it was taught; "": any will do
    follows: str = ""  # id of a larger model that is offered before it where that one is quick
    optional: bool = False  # left out where its weights are not
    otherwise: str = "The toy model runs everywhere."  # what to do where the machine is too small
