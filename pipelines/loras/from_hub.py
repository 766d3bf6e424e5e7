"""A LoRA from the Hub, by its id, into the folder where prompts find it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import httpx2
from huggingface_hub import HfApi

from pipelines.checkpoint_kinds import read_header
from pipelines.hub.cache import Download, HubCache
from pipelines.hub.explained import explained
from pipelines.hub.fetch import fetch
from pipelines.loras.kinds import made_for
from studio.contract import Tell
from studio.errors import BadRequest
from studio.validation import shown

_ID = re.compile(r"(?:https?://[^/]+/)?(\w[\w.-]*/\w[\w.-]*)(?:/(?:(?:blob|resolve)/[^/]+/)?(.+\.safetensors))?/?")
"""owner/name, owner/name/file.safetensors, or the address of either on the Hub's page."""
_NAMELESS = ("pytorch_lora_weights", "adapter_model", "lora", "model", "diffusion_pytorch_model")
"""Generic file names; such a LoRA is named after its repository."""


def bring(hub_id: str, hub: HubCache, place: Path, tell: Tell) -> Path:
    """Download a LoRA, unless it is here, and put it into a folder.

    Args:
        hub_id: see `_ID`; without a file, the repository must have just one.
        place: the folder.

    Returns:
        The file in that folder; prompts use its name without the ending.

    Raises:
        BadRequest: an invalid id, several files or none, not a LoRA, or another file of that name exists.
        NotReady, StorageFailed: as `fetch`.
    """
    said = _ID.fullmatch(hub_id.strip())
    if said is None:
        raise BadRequest(
            f"{shown(hub_id)} is not a repository of the Hub. Write owner/name, such as someone/pixel-art."
        )
    repo, file = said[1], said[2] or ""
    wanted = Download(repo, "main", label=repo, file=file)
    wanted = wanted if file else Download(repo, "main", label=repo, file=_only_file(wanted, hub))
    found = fetch(wanted, hub, tell) / wanted.file
    try:
        made = made_for(read_header(found))
    except ValueError as error:
        raise BadRequest(f"{wanted.file} of {repo} {error}.") from error
    if made.form or not made.family:
        what = f"is a {made.form}, which cannot be used here" if made.form else "is not a known kind of LoRA"
        raise BadRequest(f"{wanted.file} of {repo} {what}.")
    stem = found.stem if found.stem not in _NAMELESS else repo.partition("/")[2]
    target = place / f"{re.sub(r'[<>:]', '-', stem)}.safetensors"
    _put(found.resolve(), target)
    return target


def _only_file(wanted: Download, hub: HubCache) -> str:
    api = HfApi(endpoint=hub.endpoint, token=hub.token or False)
    try:
        listed = api.model_info(wanted.repo, files_metadata=True, timeout=20).siblings or ()
    except (OSError, httpx2.HTTPError) as error:
        raise explained(error, wanted, hub) from error
    files = sorted(each.rfilename for each in listed if each.rfilename.endswith(".safetensors"))
    if not files:
        raise BadRequest(f"{wanted.repo} has no .safetensors file, and nothing else is opened. Choose another.")
    if len(files) > 1:
        some = ", ".join(files[:8]) + (", ..." if len(files) > 8 else "")
        raise BadRequest(f"{wanted.repo} has several files: {some}. Name one: {wanted.repo}/{files[0]}.")
    return files[0]


def _put(found: Path, target: Path) -> None:
    """Without a second copy on the disk if both folders are on the same one."""
    if target.exists():
        if target.samefile(found) or target.read_bytes() == found.read_bytes():
            return
        raise BadRequest(f"There is another {target.name} in the folder {target.parent.name}. Rename that one first.")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    part.unlink(missing_ok=True)
    try:
        os.link(found, part)
    except OSError:
        shutil.copyfile(found, part)
    part.replace(target)
