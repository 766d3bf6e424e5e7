"""Puts the program into a Space of the Hugging Face Hub: what it runs on there, and nothing of this machine's."""

from __future__ import annotations

from pathlib import Path

import httpx2
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from studio.errors import BadRequest

PROGRAM = ("commands", "studio", "ui", "pipelines", "providers", "lgm", "weights", "docs")
FILES = ("app.py", "cli.py", "README.md", "SECURITY.md", "LICENSE", "requirements.txt")
NEVER = ("**/__pycache__/**", "**/.*", "*.pyc", "*.sqlite*")


def push(folder: Path, repo: str, *, token: str | None, endpoint: str | None = None, is_private: bool = False) -> str:
    """Make the Space if there is none, and bring the program there in one commit. Returns its address.

    Args:
        folder: of the program.
        repo: "user/name".
        token: of an account that may write there.
        endpoint: of the Hub; None: as HF_ENDPOINT says.

    Raises:
        BadRequest: the Hub refused it, or does not answer.
    """
    hub = HfApi(endpoint=endpoint, token=token)
    try:
        hub.create_repo(repo, repo_type="space", space_sdk="gradio", exist_ok=True, private=is_private)
        hub.upload_folder(
            repo_id=repo,
            repo_type="space",
            folder_path=folder,
            allow_patterns=[*FILES, *(f"{name}/**" for name in PROGRAM)],
            ignore_patterns=[*NEVER],
            commit_message="Update Diorama",
        )
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
