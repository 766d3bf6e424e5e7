"""SAM 2.1, and the toy, a miniature SAM 2.1."""

from __future__ import annotations

from dataclasses import replace

from pipelines.hub.cache import Download
from pipelines.local_model import LocalModel
from pipelines.plan import Whole
from pipelines.records.common import APACHE
from studio.contract import Task

LOCAL_SAM = "DIORAMA_SAM"
"""Names a local checkpoint, such as /models/sam2.1_hiera_large.pt; its name tells its size."""
TOY_SAM = LocalModel(
    id="toy-sam",
    label="Toy SAM",
    family="sam2",
    needs=Whole(),
    follows="sam2.1-tiny",
    licence="Apache-2.0",
    licence_url=APACHE,
    about="Small and quick: made for the toy world and simple pictures.",
    toys_only=True,
    tasks=frozenset({Task.SEGMENT}),
)


def _sam(size: str, revision: str, variant: str, gb: float, gpu_gb: float, label: str, about: str) -> LocalModel:
    """
    Args:
        size: as in the names of repositories and files; source: sam2/build_sam.py.
        variant: of the configuration.
    """
    repo, file = size.replace("_", "-"), f"sam2.1_hiera_{size}.pt"
    return replace(
        TOY_SAM,
        id=f"sam2.1-{repo}",
        label=label,
        download=Download(f"facebook/sam2.1-hiera-{repo}", revision, gb=gb, file=file, local=LOCAL_SAM),
        needs=Whole(gpu_gb),
        variant=variant,
        follows="",
        toys_only=False,
        about=about,
    )


SAMS = (
    _sam(
        *("large", "665f8e2ad61cf5f53d65644ff27c8ee525124610", "l", 0.9, 2.0, "SAM 2.1 large"),
        "The most accurate masks, of anything in any picture.",
    ),
    _sam(
        *("base_plus", "b7320756a13354e7530a63935656d35b2f91a290", "b+", 0.32, 1.4, "SAM 2.1 base+"),
        "Nearly as accurate as the large one, at a third of its size.",
    ),
    _sam(
        *("small", "ee5bba1d82bb8749febdf90f45e84b687142ba03", "s", 0.18, 1.1, "SAM 2.1 small"),
        "Good masks of anything; quick on any GPU.",
    ),
    _sam(
        *("tiny", "de431c4043854a71d8101e17995dfe596bf101a5", "t", 0.16, 1.0, "SAM 2.1 tiny"),
        "The smallest that handles any picture; a few seconds per picture without a GPU.",
    ),
)

SEGMENTATION = (TOY_SAM, *SAMS)
