"""NeuroLux's message-bus API: JSON in, JSON out, in the format of its REST API. Knows no bus.

Source: NeuroLux, services/vision/service.py and its README: `ai.vision.imagegen.request` and `.model_info`.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from pydantic import ValidationError

from studio.errors import StudioError
from studio.service import Studio
from ui.programs.access import sentence_of
from ui.programs.choices import Choices
from ui.programs.encoding import file_base64
from ui.programs.failures import check
from ui.programs.following import ended
from ui.programs.neurolux import ImageGenRequest, answer_of, fitted, info_of

_TOO_LARGE = (
    "The picture is larger than a message may be: let the NATS server take more (max_payload), or ask for less."
)


class Messages:
    """Answers for one owner."""

    def __init__(self, studio: Studio, owner: str) -> None:
        self._studio, self._owner, self._choices = studio, owner, Choices(studio)

    async def generate(self, content: bytes, most_bytes: int) -> tuple[bytes, bool]:
        """Make one picture.

        Args:
            content: of an `ImageGenRequest`.
            most_bytes: limit for the answer; a larger PNG becomes a JPEG, with a note.

        Returns:
            The answer, {"error": ...} if nothing was made, and whether it has a picture.
        """
        try:
            body = ImageGenRequest.model_validate_json(content)
            wanted, notes = await asyncio.to_thread(fitted, self._studio, self._choices, self._owner, body)
            job = await asyncio.to_thread(self._studio.generate, self._owner, wanted)
            job = check(await ended(self._studio, job))
            answer = await asyncio.to_thread(answer_of, self._studio, job, notes)
        except ValidationError as error:
            return _error(sentence_of(error)), False
        except StudioError as error:
            return _error(str(error)), False
        packed = _json(answer)
        if len(packed) > most_bytes:
            jpeg = file_base64(self._studio.path(self._owner, job.assets[0]), "jpeg")
            note = "This is a JPEG: the PNG is too large for a message of this server."
            packed = _json(answer | {"image_bytes_b64": jpeg, "notes": [*answer["notes"], note]})
        return (packed, True) if len(packed) <= most_bytes else (_error(_TOO_LARGE), False)

    async def model_info(self) -> bytes:
        """The fields of a `ModelInfo`, or {"error": ...}."""
        try:
            info = await asyncio.to_thread(info_of, self._studio, self._choices, self._owner)
        except StudioError as error:
            return _error(str(error))
        return info.model_dump_json().encode()


def _error(sentence: str) -> bytes:
    return _json({"error": sentence})


def _json(values: dict[str, Any]) -> bytes:
    return json.dumps(values).encode()
