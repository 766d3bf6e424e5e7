"""Which texts of a picture's file are looked at, in which encoding, and how many."""

from __future__ import annotations

import gzip
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from studio.intake.picture import read_picture
from tests.studio.pictures_in import FORMATS, chunk, corners, saved, with_chunks


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt"])
@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("für Löwen, テスト 🛶".encode(), "für Löwen, テスト 🛶"),
        ("für Löwen, déjà vu".encode("latin-1"), "für Löwen, déjà vu"),
        ("Â©".encode("latin-1") + b"\xff", "Â©ÿ"),
        (b"\xef\xbb\xbfa fox", "a fox"),
    ],
    ids=["UTF-8", "Latin-1", "both look", "mark"],
)
def test_texts_in_latin_1_chunks_may_be_utf_8(kind: bytes, stored: bytes, text: str):
    body = b"\0" + zlib.compress(stored) if kind == b"zTXt" else stored
    file = with_chunks(saved(corners(), "PNG"), chunk(kind, b"parameters\0" + body))
    assert read_picture(file).text == {"parameters": text}


SETTINGS = "prompt: a fox, steps: 4"


def test_texts_of_unknown_keywords_count_where_they_look_like_settings():
    info = PngInfo()
    info.add_text("Made with", SETTINGS)
    info.add_text("Title", "the prompt was: a fox")
    info.add_text("Software", "NovelAI")
    taken = read_picture(saved(corners(), "PNG", pnginfo=info))
    assert taken.text == {"Made with": SETTINGS, "Software": "NovelAI"}


def test_settings_in_texts_of_their_own_are_kept():
    texts = {"prompt": "a fox", "Negative Prompt": "blurry", "num_inference_steps": "4", "guidance_scale": "5"}
    texts |= {"Seed": "7", "use_lora_model": "ink", "Stable Diffusion model": "meadow_v2", "sampler_name": "euler"}
    info = PngInfo()
    for keyword, text in (texts | {"Author": "me", "Copyright": "mine", "seeds": "of a plant"}).items():
        info.add_text(keyword, text)
    assert read_picture(saved(corners(), "PNG", pnginfo=info)).text == texts


@pytest.mark.parametrize("format", FORMATS)
def test_texts_are_found_in_xmp(format: str):
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description><exif:UserComment><rdf:Alt>'
        f'<rdf:li xml:lang="x-default">{SETTINGS} &lt;b&gt;</rdf:li></rdf:Alt></exif:UserComment>'
    )
    data: dict[str, Any] = {"xmp": packet.encode()}
    if format == "PNG":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", packet)
        data = {"pnginfo": info}
    assert read_picture(saved(corners(), format, **data)).text == {"exif:UserComment": f"{SETTINGS} <b>"}


@pytest.mark.parametrize("kind", ["raw", "packed"])
def test_a_text_that_is_too_long_is_named(kind: str):
    long = b"x" * 5_000_000
    extra = chunk(b"tEXt", b"prompt\0" + long)
    if kind == "packed":
        extra = chunk(b"zTXt", b"prompt\0\0" + zlib.compress(long))
    taken = read_picture(with_chunks(saved(corners(), "PNG"), extra))
    assert (taken.text, taken.too_long) == ({}, ("prompt",))


@pytest.mark.parametrize("kind", ["stealth_pngcomp", "stealth_pnginfo", "stealth_rgbcomp", "stealth_rgbinfo"])
@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_texts_hidden_in_the_pixels_are_found(kind: str, format: str):
    packed = gzip.compress(SETTINGS.encode()) if kind.endswith("comp") else SETTINGS.encode()
    data = kind.encode() + struct.pack(">I", 8 * len(packed)) + packed
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    pixels = np.full((40, 50, 4), 254, np.uint8)  # by column
    layer = pixels[:, :, 3:] if "png" in kind else pixels[:, :, :3]
    flat = layer.reshape(-1).copy()
    flat[: len(bits)] += bits
    layer[:] = flat.reshape(layer.shape)
    image = Image.fromarray(pixels.transpose(1, 0, 2).copy())
    options = {"lossless": True, "exact": True} if format == "WEBP" else {}
    assert read_picture(saved(image, format, **options)).text == {"parameters": SETTINGS}


@pytest.mark.parametrize("rest", [b"", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\x50junk and more"])
def test_hidden_texts_that_are_none_are_passed_over(rest: bytes):
    bits = np.unpackbits(np.frombuffer((b"stealth_pngcomp" + rest).ljust(60, b"\0"), np.uint8))
    pixels = np.full((480, 1, 4), 254, np.uint8)
    pixels[:, 0, 3] += bits
    assert read_picture(saved(Image.fromarray(pixels), "PNG")).text == {}
