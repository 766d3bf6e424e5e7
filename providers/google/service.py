"""Google's Gemini image models: one call for text and pictures alike, and a list of models that changes."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable
from typing import Any

import httpx2
from google import genai
from google.genai import errors, types

from providers import faults, images
from providers.cloud import MOST_TOKENS, CloudSettings, Question, Sent
from providers.keys import Key
from providers.prices import TokenUsage
from providers.provider import Offer, Provider
from providers.transport import Call, Transport, trusted
from providers.waiting import Hear, Limits
from studio.contract import ImageRequest, Progress, Size

# Source: google-genai 3.4, types.py, ImageConfig.aspect_ratio.
RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "9:16", "16:9", "21:9")
LIST_SECONDS = 3600.0
"""How long a list of models is cached."""
MOST_LISTED = 1000
# Source: google-genai 3.4, types.py, FinishReason: refusals, not failures.
REFUSALS = frozenset(
    {
        "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION", "PUP_LIMITED_DISABLED", "ESCALATION", "LANGUAGE",
    }
)  # fmt: skip


def connect(provider: Provider, connection: CloudSettings) -> GoogleService:
    """See `Provider.service`."""
    live = [offer.model for offer in provider.offers if not offer.retired_on]
    return GoogleService(connection.limits, connection.address(provider.account), successors=live)


class GoogleService:
    def __init__(self, limits: Limits, address: str = "", *, successors: Iterable[str] = ()) -> None:
        """
        Args:
            address: "" for Google's own.
            successors: ids of the provider's models, preferred one first.
        """
        self._transport, self._address = Transport(limits), address or None
        self._successors = tuple(successors)
        self._lock = threading.Lock()
        self._listed: tuple[float, frozenset[str]] | None = None  # when, and the available models

    def ask(self, request: ImageRequest, offer: Offer, key: Key, hear: Hear) -> Sent:
        """See `cloud.Service`."""
        with self._transport.call(key, hear.is_wanted) as call, self._transport.client() as http:
            client = connected(key, http, self._address)
            try:
                model = self._answering(client, offer)
                note = f"{offer.label} is painting" if model == offer.model else f"waiting for {model}"
                hear.tell(Progress(0, 0, note))
                answer = client.models.generate_content(
                    model=model, contents=_contents(request), config=_config(request, offer)
                )
                return _read(answer, model, key)
            except errors.APIError as error:
                raise explained(error, call, offer.model) from None  # the chain quotes the request
            except (ValueError, TypeError, AttributeError):  # invalid or unexpected JSON, for pydantic too
                raise faults.unusable(key, "an answer that cannot be read") from None

    def say(self, question: Question, model: str, key: Key) -> str:
        """See `cloud.Service`."""
        shown = () if question.picture is None else (question.picture,)
        contents = [types.Part.from_bytes(data=images.jpeg(one), mime_type="image/jpeg") for one in shown]
        config = types.GenerateContentConfig(system_instruction=question.task, max_output_tokens=MOST_TOKENS)
        with self._transport.call(key) as call, self._transport.client() as http:
            client = connected(key, http, self._address)
            try:
                answer = client.models.generate_content(model=model, contents=[*contents, question.text], config=config)
                return _words(answer, key)
            except errors.APIError as error:
                raise explained(error, call, model) from None
            except (ValueError, TypeError, AttributeError):
                raise faults.unusable(key, "an answer that cannot be read") from None

    def _answering(self, client: genai.Client, offer: Offer) -> str:
        """The model to ask: the chosen one if Google lists it, else its successor."""
        listed = self._models(client)
        wanted = (offer.model, *self._successors)
        return next((model for model in wanted if model in listed), offer.model if not listed else max(listed))

    def _models(self, client: genai.Client) -> frozenset[str]:
        """Ids of the available image models; empty if Google does not say."""
        with self._lock:
            if self._listed is not None and time.monotonic() - self._listed[0] < LIST_SECONDS:
                return self._listed[1]
        try:
            found = frozenset(_painters(client.models.list(config={"page_size": MOST_LISTED})))
        except errors.ServerError:
            return frozenset()  # the list is optional
        with self._lock:
            self._listed = (time.monotonic(), found)
        return found


def connected(key: Key, http: httpx2.Client, address: str | None) -> genai.Client:
    """A client of the Gemini API, whatever the environment says about Vertex; does not retry."""
    options = types.HttpOptions(
        httpx_client=http,
        async_client_args={"verify": trusted()},  # never used; reusing this saves 0.1 s
        base_url=address,
        retry_options=types.HttpRetryOptions(attempts=1),
    )
    return genai.Client(api_key=key.value, vertexai=False, http_options=options)


def _painters(models: Iterable[Any]) -> Iterable[str]:
    """The image models: the list does not mark them, but their names do."""
    for number, model in enumerate(models):
        name = (model.name or "").removeprefix("models/")
        if ("image" in name or "banana" in name) and "generateContent" in (model.supported_actions or ()):
            yield name
        if number >= MOST_LISTED:
            return


def _contents(request: ImageRequest) -> list[Any]:
    pictures = [types.Part.from_bytes(data=images.png(one), mime_type="image/png") for one in request.references]
    return [*pictures, request.prompt]


def _config(request: ImageRequest, offer: Offer) -> types.GenerateContentConfig:
    image = types.ImageConfig(aspect_ratio=ratio(request.size), image_size=grade(request.size, offer))
    return types.GenerateContentConfig(response_modalities=["TEXT", "IMAGE"], image_config=image)


def ratio(size: Size) -> str:
    """The aspect ratio Gemini supports that is nearest to this size."""
    shape = size.width / size.height

    def difference(text: str) -> float:
        width, height = text.split(":")
        return abs(math.log(int(width) / int(height) / shape))

    return min(RATIOS, key=difference)


def grade(size: Size, offer: Offer) -> str:
    """ "1K", "2K" or "4K": the nearest the model supports."""
    largest = max((max(one) for one in offer.sizes), default=0)
    side = math.sqrt(size.width * size.height)
    wanted = "1K" if side < 1450 else "2K" if side < 2900 else "4K"
    return "1K" if largest < 2000 else min(wanted, "2K") if largest < 4000 else wanted


def _read(answer: types.GenerateContentResponse, model: str, key: Key) -> Sent:
    """The picture in a response, or the reason there is none: Google refuses in many places."""
    candidate = _candidate(answer, key)
    parts = (candidate.content.parts if candidate and candidate.content else None) or []
    for part in parts:
        blob = part.inline_data
        if blob is not None and blob.data and not part.thought:
            return Sent(blob.data, model, usage=_usage(answer.usage_metadata))
    finish = candidate.finish_reason.value if candidate and candidate.finish_reason else ""
    said = " ".join(part.text for part in parts if part.text and not part.thought)
    if finish in REFUSALS:
        raise faults.refused(key, f"{finish}: {said}" if said else finish)
    if said:
        raise faults.refused(key, f'it answered in words: "{faults.cleaned(said, key)}"')
    raise faults.unusable(key, f"an answer without a picture ({finish})" if finish else "an answer without a picture")


def _words(answer: types.GenerateContentResponse, key: Key) -> str:
    candidate = _candidate(answer, key)
    if candidate and candidate.finish_reason and candidate.finish_reason.value in REFUSALS:
        raise faults.refused(key, candidate.finish_reason.value)
    parts = (candidate.content.parts if candidate and candidate.content else None) or []
    return "".join(part.text for part in parts if part.text and not part.thought)


def _candidate(answer: types.GenerateContentResponse, key: Key) -> types.Candidate | None:
    feedback = answer.prompt_feedback
    if feedback is not None and feedback.block_reason is not None and not answer.candidates:
        blocked = f"the words were blocked ({feedback.block_reason.value})"
        raise faults.refused(key, feedback.block_reason_message or blocked)
    return answer.candidates[0] if answer.candidates else None


def _usage(counted: types.GenerateContentResponseUsageMetadata | None) -> TokenUsage | None:
    """Tokens by kind; input pictures cost as much as text, so both are `text_in`."""
    if counted is None or counted.candidates_token_count is None:
        return None
    painted = sum(
        part.token_count or 0
        for part in counted.candidates_tokens_details or ()
        if part.modality is not None and part.modality.value == "IMAGE"
    )
    written = counted.candidates_token_count - painted + (counted.thoughts_token_count or 0)
    return TokenUsage(text_in=counted.prompt_token_count or 0, text_out=written, image_out=painted)


def explained(error: errors.APIError, call: Call, model: str) -> faults.CloudFault:
    """The fault for an exception of the SDK."""
    details = faults.details_of(error.details)
    more = [one for one in details.get("details") or () if isinstance(one, dict)]
    reason = str(error.message or "")
    code = next((str(one["reason"]) for one in more if one.get("reason")), "")
    if error.code == 429 and "limit: 0" in reason:  # the free tier does not include this model
        code = "insufficient_quota"
    return faults.of_status(
        call.key,
        int(error.code or 0),
        reason,
        code=code,
        headers=getattr(error.response, "headers", None),
        retry_after=next((_seconds(one["retryDelay"]) for one in more if one.get("retryDelay")), None),
        model=model,
        accepted=call.accepted,
    )


def _seconds(duration: object) -> float | None:
    """ "12.5s" to 12.5. Source: google.rpc.RetryInfo, a protobuf Duration in JSON."""
    try:
        return max(0.0, float(str(duration).removesuffix("s")))
    except ValueError:
        return None
