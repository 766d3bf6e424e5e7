"""What is done with bytes that anybody sends, and what must hold then: for hypothesis and for atheris."""

from __future__ import annotations

import json
import re

from studio.errors import BadPicture, BadSplat
from studio.intake.picture import read_picture
from studio.intake.settings.any_tool import finding_in
from studio.recipe import from_text
from studio.splats.any_format import read_splat
from tests.studio.splats_in import assert_sound

KEYWORDS = (
    *("parameters", "prompt", "workflow", "Comment", "Description", "Software", "Title", "Dream", "diorama"),
    *("invokeai_metadata", "sd-metadata", "invokeai", "invokeai_graph", "fooocus_scheme", "UserComment", "xmp"),
)
"""Under which the tools of others write their settings into a PNG."""


def said(error: Exception) -> str:
    """The sentence of an error."""
    text = str(error)
    assert re.fullmatch(r"[^\n]{10,600}[.)]", text), text
    return text


def any_picture(data: bytes) -> None:
    """A file that says it is a picture is one, or is refused."""
    try:
        taken = read_picture(data)
    except BadPicture as error:
        said(error)
        return
    assert taken.image.mode in ("RGB", "RGBA")
    taken.image.load()
    any_texts(taken.text)


def any_splat(data: bytes) -> None:
    try:
        taken = read_splat(data)
    except BadSplat as error:
        said(error)
    else:
        assert_sound(taken.splat)


def any_texts(texts: dict[str, str]) -> None:
    """What a picture says of itself is read in passing."""
    finding = finding_in(texts)
    if finding is not None:
        assert isinstance(finding.prompt, str)
        assert len(json.dumps(finding.prompt)) < 1_000_000
    from_text(texts.get("diorama", ""))


def any_metadata(data: bytes) -> None:
    """A byte for the keyword, then what stands under it."""
    keyword = KEYWORDS[data[0] % len(KEYWORDS)] if data else KEYWORDS[0]
    any_texts({keyword: data[1:].decode("utf-8", "replace")})
