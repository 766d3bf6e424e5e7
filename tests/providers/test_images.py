"""A picture of each provider over its real SDK: what is asked, what is shown meanwhile, and what comes back."""

from __future__ import annotations

from studio.contract import Progress
from tests.providers.clouds import Cloud
from tests.providers.loopback import Provider
from tests.providers.wires import RED, png


def test_a_picture_comes_back(cloud: Cloud, provider: Provider):
    told: list[Progress] = []
    result = cloud.run(provider, cloud.picture(png((96, 64))), tell=told.append)
    assert result.image.size == (96, 64)
    assert result.image.mode == "RGB"
    assert result.image.getpixel((0, 0)) == RED
    assert result.revision == cloud.offer.model
    assert result.notice == ""
    assert told[0].note == f"waiting for {cloud.offer.label}"
    assert len(provider.paid()) == 1
    assert cloud.key in str(provider.paid()[0].headers.values())
