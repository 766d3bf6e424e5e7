"""OpenAI's GPT Image models: generate, and edit with references and a mask, with previews on the way."""

from __future__ import annotations

import math
from typing import Any

import openai

from providers import faults, images
from providers.cloud import MOST_TOKENS, CloudSettings, Question, Sent
from providers.keys import Key
from providers.prices import TokenUsage
from providers.provider import Offer, Provider
from providers.transport import Call, Transport
from providers.waiting import Hear, Limits
from studio.contract import ImageRequest, Progress, Size

PARTIAL_IMAGES = 2
"""Previews per picture, of at most 3. Source: openai 3.52, types/image_generate_params.py, `partial_images`."""
# Limits on free sizes. Source: the same file, `size`; the areas are those OpenAI's guide gave for gpt-image-2.
MULTIPLE, LONGEST_SIDE, STEEPEST = 16, 3840, 3.0
LEAST_AREA, MOST_AREA = 655_360, 8_294_400


def connect(provider: Provider, connection: CloudSettings) -> OpenAIService:
    """See `Provider.service`."""
    return OpenAIService(connection.limits, connection.address(provider.account))


class OpenAIService:
    def __init__(self, limits: Limits, address: str = "") -> None:
        """
        Args:
            address: "" for OPENAI_BASE_URL, or OpenAI's own.
        """
        self._transport, self._address = Transport(limits), address or None

    def ask(self, request: ImageRequest, offer: Offer, key: Key, hear: Hear) -> Sent:
        """See `cloud.Service`."""
        with self._transport.call(key, hear.is_wanted) as call, self._transport.client() as http:
            client = openai.OpenAI(api_key=key.value, base_url=self._address, max_retries=0, http_client=http)
            try:
                with _start(client, request, offer) as stream:
                    return _listen(stream, offer, key, hear)
            except openai.APIError as error:
                raise explained(error, call, self._transport, offer.model) from None  # the chain quotes the request
            except (ValueError, TypeError, AttributeError):  # the SDK's errors for invalid or unexpected JSON
                raise faults.unusable(key, "an answer that cannot be read") from None

    def say(self, question: Question, model: str, key: Key) -> str:
        """See `cloud.Service`."""
        content: list[Any] = [{"type": "input_text", "text": question.text}]
        if question.picture is not None:
            url = images.data_url(question.picture)
            content.append({"type": "input_image", "image_url": url, "detail": "auto"})
        with self._transport.call(key) as call, self._transport.client() as http:
            client = openai.OpenAI(api_key=key.value, base_url=self._address, max_retries=0, http_client=http)
            try:
                answer = client.responses.create(
                    model=model,
                    instructions=question.task,
                    input=[{"role": "user", "content": content}],
                    max_output_tokens=MOST_TOKENS,
                    store=False,
                )
                return answer.output_text
            except openai.APIError as error:
                raise explained(error, call, self._transport, model) from None
            except (ValueError, TypeError, AttributeError):
                raise faults.unusable(key, "an answer that cannot be read") from None


def _start(client: openai.OpenAI, request: ImageRequest, offer: Offer) -> Any:
    """The stream of events for one picture."""
    same: dict[str, Any] = {
        "model": offer.model,
        "prompt": request.prompt,
        "size": "x".join(str(side) for side in fitting(request.size, offer)),
        "quality": request.quality or openai.omit,
        "background": "transparent" if request.transparent else "opaque" if offer.transparent else openai.omit,
        "output_format": "png",
        "n": 1,
        "stream": True,
        "partial_images": PARTIAL_IMAGES,
    }
    if not request.references:
        return client.images.generate(**same, moderation=openai.omit)
    first = request.references[0]
    mask = request.mask and ("mask.png", images.mask_png(request.mask, Size(*first.size)), "image/png")
    return client.images.edit(
        **same,
        image=[(f"picture-{i}.png", images.png(one), "image/png") for i, one in enumerate(request.references, start=1)],
        mask=mask or openai.omit,
        input_fidelity="high" if offer.fidelity else openai.omit,
    )


def _listen(stream: Any, offer: Offer, key: Key, hear: Hear) -> Sent:
    if "json" in stream.response.headers.get("content-type", ""):  # not streamed, or an error with status 200
        stream.response.read()
        return _whole(stream.response.json(), offer, key)
    for event in stream:
        if event.type.endswith(".partial_image"):
            step = int(event.partial_image_index) + 1
            preview = images.preview(event.b64_json, key)
            hear.tell(Progress(step, PARTIAL_IMAGES + 1, f"{offer.label} is painting", preview))
        elif event.type.endswith(".completed"):
            return Sent(images.decoded(event.b64_json, key), offer.model, usage=_usage(event.usage))
    raise faults.unusable(key, "an answer that ends before the picture")


def _whole(body: Any, offer: Offer, key: Key) -> Sent:
    if isinstance(body, dict) and body.get("error"):
        error = faults.details_of(body)
        raise faults.of_status(key, 0, error.get("message"), code=str(error.get("code") or error.get("type") or ""))
    data = body.get("data") if isinstance(body, dict) else None
    first = data[0] if isinstance(data, list) and data else {}
    return Sent(images.decoded(first.get("b64_json"), key), offer.model)


def _usage(usage: Any) -> TokenUsage | None:
    details = getattr(usage, "input_tokens_details", None)
    if details is None:
        return None
    return TokenUsage(text_in=details.text_tokens, image_in=details.image_tokens, image_out=usage.output_tokens)


def explained(error: openai.APIError, call: Call, transport: Transport, model: str) -> faults.CloudFault:
    """The fault for an exception of the SDK."""
    if isinstance(error, openai.APIConnectionError):
        return transport.fault(error.__cause__ or error, call)
    details = faults.details_of(error.body)
    response = getattr(error, "response", None)
    return faults.of_status(
        call.key,
        getattr(error, "status_code", 0),
        details.get("message") or ("" if response is not None else error.message),
        code=str(details.get("code") or details.get("type") or ""),
        headers=response.headers if response is not None else None,
        model=model,
        accepted=call.accepted,
    )


def fitting(size: Size, offer: Offer) -> Size:
    """The size itself if the model supports it, else the nearest supported one of the same shape."""
    if size in offer.sizes:
        return size
    if not offer.free_size:
        shape = size.width / size.height
        return min(offer.sizes, key=lambda one: abs(math.log(one.width / one.height / shape)))
    shape = min(max(size.width / size.height, 1 / STEEPEST), STEEPEST)
    area = min(max(size.width * size.height, LEAST_AREA), MOST_AREA)
    width = min(math.sqrt(area * shape), LONGEST_SIDE, LONGEST_SIDE * shape)
    return _stepped(width, width / shape)


def _stepped(width: float, height: float) -> Size:
    """Round both sides to the allowed multiple, within the limits on area and shape."""
    sides = [max(MULTIPLE, round(side / MULTIPLE) * MULTIPLE) for side in (width, height)]
    while sides[0] * sides[1] > MOST_AREA or max(sides) > LONGEST_SIDE or max(sides) > STEEPEST * min(sides):
        sides[sides.index(max(sides))] -= MULTIPLE
    while sides[0] * sides[1] < LEAST_AREA:
        sides[sides.index(min(sides))] += MULTIPLE
    return Size(*sides)
