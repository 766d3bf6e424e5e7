"""What travels is read again as it was written, and nonsense is an error of one kind."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image

from pipelines import catalog
from studio.contract import ImageRequest, ImageResult, ModelCard, Size, Task
from tests.studio.fakes import spec_of
from workers import codec, names
from workers.worker import offered


def noise(mode: str, size: tuple[int, int] = (9, 7)) -> Image.Image:
    channels = len(Image.new(mode, (1, 1)).getbands())
    values = np.random.default_rng(0).integers(0, 256, (size[1], size[0], channels), dtype=np.uint8)
    return Image.fromarray(values.squeeze(), mode)


def test_every_card_of_the_catalog_is_the_same_on_the_other_side():
    for spec in catalog.models():
        card = ModelCard(**{each.name: getattr(spec, each.name) for each in fields(ModelCard)})
        assert codec.loaded(ModelCard, codec.dumped(card)) == card


def test_a_request_with_all_that_it_can_hold_is_the_same_on_the_other_side():
    request = ImageRequest(
        prompt='a "kite" 🪁\n',
        size=Size(64, 32),
        seed=2**32 - 1,
        steps=4,
        guidance=3.5,
        negative_prompt="blur",
        references=(noise("RGB"), noise("RGBA")),
        mask=noise("L"),
        strength=0.5,
        control=noise("RGB"),
        control_strength=1.0,
        quality="high",
        transparent=True,
        clip_skip=2,
        precision="nf4",
        fast=True,
        sampler="Euler a",
        id="job-0",
    )
    left = {each.name for each in fields(ImageRequest) if getattr(request, each.name) == each.default}
    assert left == {"owner", "late"}, "give every new field a value here"
    values, pictures = codec.request_values(request)
    job = codec.loaded(codec.Job, codec.dumped(codec.Job("job-0", "gpu", "model", values)))
    _, sent = codec.unpacked(codec.packed({}, pictures))
    again = codec.to_request(job.request, sent)
    for each in fields(ImageRequest):
        before, after = getattr(request, each.name), getattr(again, each.name)
        for one, other in (
            zip(*([pair] if isinstance(pair, Image.Image) else pair for pair in (before, after)), strict=True)
            if _has_pictures(before)
            else ()
        ):
            assert (one.mode, one.tobytes()) == (other.mode, other.tobytes())
        assert _has_pictures(before) or before == after, each.name


def test_a_result_is_the_same_on_the_other_side_and_names_its_weights():
    said: dict[str, Any] = {"notice": "half of it", "scores": (0.25, 0.5), "precision": "nf4", "fast": True}
    result = ImageResult(noise("RGB"), 3, frames=(noise("RGB", (4, 4)),) * 2, **said)
    values, pictures = codec.unpacked(codec.packed_result(result, "r7"))
    again = codec.to_result(values, pictures)
    assert (again.seed, again.revision) == (3, "r7")
    assert {name: getattr(again, name) for name in said} == said
    left = {each.name for each in fields(ImageResult) if getattr(result, each.name) == each.default}
    assert left == {"revision", "price_usd", "kept"}, "give every new field a value here"
    del values["precision"], values["fast"]  # of an older worker
    assert not codec.to_result(values, pictures).precision
    assert [each.tobytes() for each in (again.image, *again.frames)] == [
        each.tobytes() for each in (result.image, *result.frames)
    ]


@given(st.one_of(st.binary(max_size=80), st.text(max_size=80).map(str.encode)))
def test_nonsense_is_malformed(content: bytes):
    for kind in (codec.Job, codec.Presence):
        with pytest.raises(codec.Malformed):
            codec.loaded(kind, content)
    with pytest.raises(codec.Malformed):
        codec.to_result(*codec.unpacked(content))


@given(st.text(max_size=30), st.text(max_size=30))
def test_every_model_has_a_subject_of_its_own(one: str, other: str):
    assert (names.token(one) == names.token(other)) == (one == other)
    assert not set(names.token(one)) & set(" .*>/\\\t\r\n")


def test_a_worker_offers_what_makes_pictures_and_is_ready():
    specs = [
        spec_of(None, "draws"),
        spec_of(None, "cuts out", tasks=frozenset({Task.SEGMENT})),
        spec_of(None, "is asked elsewhere", lane="cloud"),
        spec_of(None, "follows another", control="canny"),
        spec_of(None, "is of a worker", lane="workers"),
    ]
    assert [spec.id for spec in offered(specs)] == ["draws"]


def _has_pictures(value: object) -> bool:
    return isinstance(value, Image.Image) or (isinstance(value, tuple) and isinstance(value[0], Image.Image))
