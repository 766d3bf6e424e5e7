"""What the endpoints share: uploaded files, pictures as JSON, error messages."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder
from gradio_client.utils import is_file_obj_with_meta

from studio.contract import Size
from studio.errors import BadRequest, StudioError
from studio.library.assets import Asset
from studio.recipe import UPLOAD
from studio.service import Studio
from studio.validation import shown
from ui.routes.files import picture_address
from ui.routes.visitors import Caller, Visitors


class EndpointGroup:
    """Every public method is an endpoint, its name and arguments those of the API."""

    def __init__(self, studio: Studio, visitors: Visitors) -> None:
        self._studio = studio
        self._visitors = visitors


def readable(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Turn a `StudioError` into its message. An endpoint that is not a coroutine runs on a thread."""

    @wraps(endpoint)
    async def answer(*args: Any, **kwargs: Any) -> Any:
        try:
            if inspect.iscoroutinefunction(endpoint):
                return await endpoint(*args, **kwargs)
            return await asyncio.to_thread(endpoint, *args, **kwargs)
        except StudioError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return answer


def describe(asset: Asset, caller: Caller) -> dict:
    """A picture of the caller as JSON."""
    return {
        "id": asset.id,
        "name": asset.name,
        "url": caller.link(picture_address(asset.id, trash=asset.deleted)),
        "kind": asset.recipe.task if asset.recipe.task == UPLOAD else asset.kind,
        "seed": asset.seed,
        "width": asset.width,
        "height": asset.height,
        "prompt": asset.title,
        "model": asset.model,
        "created": asset.created,
        "starred": asset.starred,
    }


def size_of(width: int | None, height: int | None) -> Size | None:
    """None if neither is given, for the model's default."""
    if (width is None) != (height is None):
        raise BadRequest(f"A size is a width and a height; got only {width or height}. Give both, or neither.")
    return None if width is None or height is None else Size(width, height)


@contextmanager
def uploaded(file: Any) -> Iterator[Path]:
    """The file that gradio received for this call; deleted afterwards.

    Gradio checks that a file it recognises was uploaded; anything else (a bare path, a file without its mark) passes
    through unchanged and is refused here.

    Raises:
        BadRequest: it is not an upload.
    """
    folder = Path(get_upload_folder()).resolve()
    path = Path(file["path"]).resolve() if is_file_obj_with_meta(file) else folder
    if folder not in path.parents or not path.is_file():
        raise BadRequest(f"The file must be an upload, not {shown(file)}. With gradio_client: handle_file(PATH).")
    try:
        yield path
    finally:
        with suppress(OSError):  # the same file sent twice at once is stored once
            path.unlink()
            path.parent.rmdir()


def picture_of(studio: Studio, owner: str, picture_id: str, file: Any) -> str:
    """The id of the picture a call is about; an uploaded file is added to the gallery first.

    Raises:
        StudioError: it is not an upload, or not a picture.
    """
    if file is None:
        return picture_id
    with uploaded(file) as path:
        return studio.take_in(owner, path, path.name).id
