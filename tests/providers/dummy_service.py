"""A provider as somebody would add one: a POST for a picture, one for words, over the transport of all of them."""

from __future__ import annotations

from typing import Any

from providers import faults, images
from providers.cloud import CloudSettings, Question, Sent
from providers.keys import Key
from providers.prices import TokenUsage
from providers.provider import Offer, Provider
from providers.transport import Transport
from providers.waiting import Hear
from studio.contract import ImageRequest


class DummyService:
    def __init__(self, provider: Provider, connection: CloudSettings) -> None:
        self._transport = Transport(connection.limits)
        self._address = connection.address(provider.account)

    def ask(self, request: ImageRequest, offer: Offer, key: Key, hear: Hear) -> Sent:
        body = {"model": offer.model, "prompt": request.prompt, "size": list(request.size)}
        answer = self._post("/pictures", body, key, hear.is_wanted)
        return Sent(images.decoded(answer["png"], key), offer.model, usage=TokenUsage(image_out=answer["tokens"]))

    def say(self, question: Question, model: str, key: Key) -> str:
        return self._post("/words", {"model": model, "text": question.text}, key, lambda: True)["text"]

    def _post(self, path: str, body: dict[str, Any], key: Key, is_wanted: Any) -> dict[str, Any]:
        with self._transport.call(key, is_wanted) as call, self._transport.client() as http:
            answer = http.post(self._address + path, json=body, headers={"Authorization": f"Key {key.value}"})
            if answer.is_error:
                raise faults.of_status(key, answer.status_code, answer.text, accepted=call.accepted)
            return answer.json()
