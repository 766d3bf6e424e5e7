"""Pushes the program to a Hugging Face Space: its hardware and files, and nothing private from this machine."""

from __future__ import annotations

from pathlib import Path

import httpx2
from huggingface_hub import CommitOperationAdd, HfApi, SpaceHardware
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import filter_repo_objects

from studio.errors import BadRequest

PROGRAM = ("commands", "studio", "ui", "pipelines", "providers", "workers", "lgm", "weights", "docs")
FILES = ("app.py", "cli.py", "README.md", "SECURITY.md", "LICENSE", "requirements.txt")
ZERO_GPU = "requirements-zerogpu.txt"
NEVER = ("**/__pycache__/**", "**/.*", "*.pyc", "*.sqlite*")


def push(
    folder: Path,
    repo: str,
    *,
    token: str | None,
    endpoint: str | None = None,
    is_private: bool = False,
    zero_gpu: bool = False,
) -> str:
    """Create the Space if needed, and upload the program in one commit. Returns its address.

    Args:
        folder: of the program.
        repo: "user/name".
        token: of an account that may write there.
        endpoint: of the Hub; None: as HF_ENDPOINT says.
        is_private, zero_gpu: for a new Space: private, and with ZeroGPU hardware; the latter also selects the torch
            version available there.

    Raises:
        BadRequest: the Hub refused it, or does not answer.
    """
    hub = HfApi(endpoint=endpoint, token=token)
    try:
        hardware = SpaceHardware.ZERO_A10G if zero_gpu else None
        made = {"space_sdk": "gradio", "space_hardware": hardware, "exist_ok": True, "private": is_private}
        hub.create_repo(repo, repo_type="space", **made)
        files = {name: CommitOperationAdd(name, folder / name) for name in _program(folder)}
        if zero_gpu:
            files["requirements.txt"] = CommitOperationAdd("requirements.txt", _requirements(folder).encode())
        hub.create_commit(repo, [*files.values()], commit_message="Update Diorama", repo_type="space")
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403):
            raise BadRequest(
                f"The Hub refuses {repo}: the token may not write there. Make one that may at "
                "https://huggingface.co/settings/tokens and set HF_TOKEN=hf_..."
            ) from error
        raise BadRequest(f"The Hub did not take {repo}: it answered {status}. Try again later.") from error
    except (httpx2.HTTPError, OSError) as error:
        raise BadRequest(
            f"The Hub does not answer ({type(error).__name__}). Check the network, then try again."
        ) from error
    return f"{hub.endpoint}/spaces/{repo}"


def _program(folder: Path) -> list[str]:
    """Names of the files it needs there."""
    inside = (path for name in PROGRAM for path in (folder / name).rglob("*") if path.is_file())
    names = [*FILES, *sorted(path.relative_to(folder).as_posix() for path in inside)]
    return [*filter_repo_objects(names, ignore_patterns=[*NEVER])]


def _requirements(folder: Path) -> str:
    """The program's requirements, with the versions available on ZeroGPU."""
    offered = (folder / ZERO_GPU).read_text(encoding="utf-8").splitlines()
    instead = {line.partition("==")[0]: line for line in offered if "==" in line and not line.startswith("#")}
    lines = (folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return "".join(f"{instead.get(line.partition('==')[0], line)}\n" for line in lines)
