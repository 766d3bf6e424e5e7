"""The three wire formats, made from the SDKs' own models: what each provider sends for a picture, and for an error."""

from __future__ import annotations

import base64
import io
from typing import Any

from google.genai import types
from openai.types import (
    ImageEditCompletedEvent,
    ImageGenCompletedEvent,
    ImageGenPartialImageEvent,
    image_edit_completed_event as edited,
    image_gen_completed_event as made,
)
from PIL import Image

from tests.providers.loopback import Answer, answer, events

RED, BLUE = (200, 30, 30), (30, 30, 200)


def png(size: tuple[int, int] = (64, 48), colour: Any = RED, mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, "PNG")
    return file.getvalue()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# --- OpenAI -----------------------------------------------------------------------------------------------------------

IMAGES, EDITS, RESPONSES = "/images/generations", "/images/edits", "/responses"
_SAME: dict[str, Any] = {
    "background": "opaque",
    "created_at": 1,
    "output_format": "png",
    "quality": "medium",
    "size": "1024x1024",
}


def partial(index: int, data: bytes = b"", *, text: str | None = None) -> dict[str, Any]:
    event = ImageGenPartialImageEvent(
        b64_json=b64(data or png(colour=BLUE)) if text is None else text,
        partial_image_index=index,
        type="image_generation.partial_image",
        **_SAME,
    )
    return event.model_dump()


def completed(data: bytes = b"", *, text: str | None = None) -> dict[str, Any]:
    usage = made.Usage(
        input_tokens=60,
        input_tokens_details=made.UsageInputTokensDetails(image_tokens=10, text_tokens=50),
        output_tokens=1000,
        total_tokens=1060,
    )
    event = ImageGenCompletedEvent(
        b64_json=b64(data or png()) if text is None else text, type="image_generation.completed", usage=usage, **_SAME
    )
    return event.model_dump()


def edit_completed(data: bytes = b"") -> dict[str, Any]:
    usage = edited.Usage(
        input_tokens=1050,
        input_tokens_details=edited.UsageInputTokensDetails(image_tokens=1000, text_tokens=50),
        output_tokens=2000,
        total_tokens=3050,
    )
    event = ImageEditCompletedEvent(b64_json=b64(data or png()), type="image_edit.completed", usage=usage, **_SAME)
    return event.model_dump()


def openai_picture(data: bytes = b"") -> Answer:
    return events(partial(0), partial(1), completed(data))


def openai_error(status: int, message: str, code: str | None = None, headers: dict[str, str] | None = None) -> Answer:
    return answer(status, {"error": {"message": message, "type": "some_error", "param": None, "code": code}}, headers)


def openai_words(text: str) -> Answer:
    message = {
        "type": "message",
        "id": "m",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    }
    same = {"tools": [], "tool_choice": "auto", "parallel_tool_calls": True}
    return answer(200, {"id": "r", "object": "response", "created_at": 1, "model": "gpt", "output": [message], **same})


# --- Google -----------------------------------------------------------------------------------------------------------

GENERATE, MODELS = ":generateContent", "/models"


def google_models(*names: str) -> Answer:
    listed = [{"name": f"models/{name}", "supportedGenerationMethods": ["generateContent"]} for name in names]
    return answer(200, {"models": [*listed, {"name": "models/embed-image", "supportedGenerationMethods": ["embed"]}]})


def google_answer(*parts: types.Part, finish: types.FinishReason = types.FinishReason.STOP) -> Answer:
    counted = types.GenerateContentResponseUsageMetadata(
        prompt_token_count=20,
        candidates_token_count=1130,
        candidates_tokens_details=[types.ModalityTokenCount(modality=types.MediaModality.IMAGE, token_count=1120)],
        thoughts_token_count=90,
    )
    response = types.GenerateContentResponse(
        candidates=[types.Candidate(content=types.Content(role="model", parts=list(parts)), finish_reason=finish)],
        usage_metadata=counted,
    )
    return answer(200, response.model_dump(mode="json", by_alias=True, exclude_none=True))


def google_picture(data: bytes = b"") -> Answer:
    return google_answer(
        types.Part(text="Here it is."), types.Part(inline_data=types.Blob(data=data or png(), mime_type="image/png"))
    )


def google_blocked(reason: types.BlockedReason) -> Answer:
    feedback = types.GenerateContentResponsePromptFeedback(block_reason=reason)
    response = types.GenerateContentResponse(prompt_feedback=feedback)
    return answer(200, response.model_dump(mode="json", by_alias=True, exclude_none=True))


def google_error(
    status: int, message: str, state: str = "UNKNOWN", *details: dict[str, Any], headers: dict[str, str] | None = None
) -> Answer:
    return answer(
        status, {"error": {"code": status, "message": message, "status": state, "details": list(details)}}, headers
    )


# --- Hugging Face -----------------------------------------------------------------------------------------------------


def hub_model(model: str, task: str, *providers: str, status: str = "live") -> Answer:
    """A model's page on the Hub, with who serves it. Source: huggingface_hub 2.4, hf_api.py, ModelInfo."""
    mapping = [
        {"provider": provider, "providerId": f"{provider}/its-name", "status": status, "task": task}
        for provider in providers
    ]
    body = {"id": model, "pipeline_tag": task, "tags": [], "inferenceProviderMapping": mapping}
    return answer(200, body)


def fal_link(url: str = "https://v3.fal.media/files/picture.png") -> Answer:
    return answer(200, {"images": [{"url": url, "content_type": "image/png"}]})


def file(data: bytes, kind: str = "image/png") -> Answer:
    return answer(200, data, kind=kind)


def hub_error(status: int, message: str, headers: dict[str, str] | None = None) -> Answer:
    return answer(status, {"error": message}, headers)


def chat_words(text: str) -> Answer:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return answer(200, {"id": "c", "created": 1, "model": "m", "choices": [choice], "usage": usage})
