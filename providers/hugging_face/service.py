"""FLUX and Stable Diffusion through Hugging Face's inference providers: one key, many hosts."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from huggingface_hub import HfApi, InferenceClient, get_session
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from PIL import Image, UnidentifiedImageError

from providers import faults, images
from providers.cloud import MOST_TOKENS, CloudSettings, Question, Sent
from providers.keys import Key
from providers.provider import Offer, Provider
from providers.transport import Call, Resolve, Transport, addresses_of
from providers.waiting import Hear, Limits
from studio.contract import ImageRequest, Progress

# Which provider serves what, preferred ones first. Source: huggingface_hub 2.4, inference/_providers/__init__.py.
PAINTERS = ("fal-ai", "replicate", "together", "wavespeed", "hf-inference", "nscale", "zai-org")
EDITORS = ("fal-ai", "replicate", "together", "wavespeed", "hf-inference")
LARGEST_SEED = 2**31 - 1
"""Some of them use signed 32-bit seeds."""


def connect(provider: Provider, connection: CloudSettings) -> HuggingFaceService:
    """See `Provider.service`."""
    machines, bill_to = (connection.environment.get(name, "") for name in provider.settings)
    return HuggingFaceService(connection.limits, provider=machines, bill_to=bill_to)


class HuggingFaceService:
    def __init__(
        self, limits: Limits, *, provider: str = "", bill_to: str = "", resolve: Resolve = addresses_of
    ) -> None:
        """
        Args:
            provider: such as "fal-ai"; "" takes the first that serves the model.
            bill_to: an organisation that pays; "" for the owner of the key.
            resolve: see `Transport`.
        """
        self._transport = Transport(limits, resolve)
        self._provider, self._bill_to, self._limits = provider, bill_to or None, limits
        self._lock = threading.Lock()
        self._served: dict[tuple[str, str], str] = {}  # (model, task) -> provider

    def ask(self, request: ImageRequest, offer: Offer, key: Key, hear: Hear) -> Sent:
        """See `cloud.Service`."""
        self._transport.attach(get_session())
        task = "image-to-image" if request.references else "text-to-image"
        with self._transport.call(key, hear.is_wanted) as call, self._explaining(call, offer.model):
            provider = self._provider or self._serving(offer.model, task, key)
            hear.tell(Progress(0, 0, f"{offer.label} is painting at {provider}"))
            client = InferenceClient(
                provider=provider,  # pyright: ignore[reportArgumentType]  # the SDK refuses names it does not know
                api_key=key.value,
                bill_to=self._bill_to,
                timeout=self._limits.late_seconds,
            )
            image = _edited(client, request, offer) if request.references else _drawn(client, request, offer)
            return Sent(_bytes_of(image), offer.model, _seed(request) if offer.seed else None)

    def say(self, question: Question, model: str, key: Key) -> str:
        """See `cloud.Service`. Hugging Face chooses the provider."""
        self._transport.attach(get_session())
        content: list[dict[str, Any]] = [{"type": "text", "text": question.text}]
        if question.picture is not None:
            content.append({"type": "image_url", "image_url": {"url": images.data_url(question.picture)}})
        messages = [{"role": "system", "content": question.task}, {"role": "user", "content": content}]
        with self._transport.call(key) as call, self._explaining(call, model):
            client = InferenceClient(
                provider="auto", api_key=key.value, bill_to=self._bill_to, timeout=self._limits.late_seconds
            )
            answer = client.chat_completion(messages, model=model, max_tokens=MOST_TOKENS)
            return answer.choices[0].message.content or ""

    @contextmanager
    def _explaining(self, call: Call, model: str) -> Iterator[None]:
        """Turn the SDK's exceptions into faults, without the chain that would quote the request."""
        try:
            yield
        except HfHubHTTPError as error:
            raise explained(error, call, model) from None
        except OfflineModeIsEnabled:
            raise faults.Unreachable("HF_HUB_OFFLINE is set, so Hugging Face is not asked. Unset it first.") from None
        except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise faults.unusable(call.key, "something that is not a picture") from None
        except httpx2.HTTPError:
            raise  # the transport explains these, some of which are OSErrors or ValueErrors
        except TimeoutError:
            raise faults.Timeout(f"Hugging Face did not answer in time. {faults.CHARGED}") from None
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise _misfit(error, call, model) from None

    def _serving(self, model: str, task: str, key: Key) -> str:
        """The best provider that currently serves a model.

        Raises:
            Retired: none does.
        """
        with self._lock:
            known = self._served.get((model, task))
        if known is not None:
            return known
        info = HfApi(token=key.value).model_info(model, expand=["inferenceProviderMapping"])
        live = {
            one.provider for one in info.inference_provider_mapping or () if one.status == "live" and one.task == task
        }
        able = EDITORS if task == "image-to-image" else PAINTERS
        best = next((provider for provider in able if provider in live), None)
        if best is None:
            raise faults.of_status(key, 404, "no inference provider serves it now", model=model)
        with self._lock:
            self._served[(model, task)] = best
        return best


def _drawn(client: InferenceClient, request: ImageRequest, offer: Offer) -> Any:
    return client.text_to_image(
        request.prompt,
        model=offer.model,
        width=request.size.width,
        height=request.size.height,
        negative_prompt=request.negative_prompt or None,
        num_inference_steps=request.steps if offer.steps else None,
        guidance_scale=request.guidance if offer.guidance else None,
        seed=_seed(request) if offer.seed else None,
    )


def _edited(client: InferenceClient, request: ImageRequest, offer: Offer) -> Any:
    return client.image_to_image(
        images.png(request.references[0]),
        prompt=request.prompt,
        model=offer.model,
        num_inference_steps=request.steps if offer.steps else None,
        guidance_scale=request.guidance if offer.guidance else None,
    )


def _seed(request: ImageRequest) -> int:
    return request.seed & LARGEST_SEED


def _bytes_of(image: Any) -> bytes:
    """The encoded file behind the SDK's lazy picture; `read_picture` decodes it."""
    file = getattr(image, "fp", None)
    if not isinstance(file, io.BytesIO):
        raise TypeError(f"got a picture over {type(file).__name__}, expected one over bytes")
    return file.getvalue()


def _misfit(error: Exception, call: Call, model: str) -> faults.CloudFault:
    """The SDK raises the same exception for an unsupported model and for an unreadable response."""
    if call.sent:
        return faults.unusable(call.key, "an answer that cannot be read")
    return faults.of_status(call.key, 404, error, model=model)


def explained(error: HfHubHTTPError, call: Call, model: str) -> faults.CloudFault:
    """The fault for an exception of the SDK."""
    return faults.of_status(
        call.key,
        error.response.status_code,
        error.server_message or "",
        headers=error.response.headers,
        model=model,
        accepted=call.accepted,
    )
