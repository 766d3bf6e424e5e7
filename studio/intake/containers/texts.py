"""The texts in a picture's file that may hold settings, by keyword, of limited length. Does not interpret them.

Other programs use the same fields for titles, authors and cameras: text under an unknown keyword counts only if it
looks like settings.
"""

from __future__ import annotations

import html
import re

from studio.intake.containers.exif import Exif
from studio.png_chunks import Chunk, is_too_long, keyword_of, text_of

MAX_TEXTS_BYTES = 4_000_000
"""Of all texts together. A ComfyUI graph with an embedded picture has one or two million."""
XMP = "XML:com.adobe.xmp"
"""The keyword of XMP in a PNG. Source: XMP specification, part 3, section 1.1.5."""
_KEYWORDS = frozenset(
    (
        *("diorama", "parameters", "prompt", "workflow", "negative_prompt", "generation_data", "fooocus_scheme"),
        *("invokeai_metadata", "invokeai_graph", "invokeai", "sd-metadata", "Dream"),
    )
)
"""Any text under these counts."""
_BESIDE = frozenset(("software", "source"))
"""These name the program and the model, and are short."""
_OF_ONE_SETTING = re.compile(
    r"((positive|negative) )?prompt|((random|noise) )?seed|((num )?inference |num |sampling )?steps"
    r"|(cfg|guidance)( scale)?|width|height|size|resolution|sampler( name)?|scheduler|loras?|checkpoint"
    r"|(use )?((lora|stable diffusion) )?model( name| id)?"
)
"""Keywords, in lower case and with spaces, of programs that store each setting separately."""
_MAX_KEYWORDS = 32
_MAX_OTHER_BYTES = 1_000_000
_LOOKED_AT = 50_000
"""Characters of a text under an unknown keyword to search for settings."""
_PLACES = ("exif:UserComment", "dc:description", "tiff:ImageDescription", "xmp:CreatorTool")
_SETTING = re.compile(
    r"\b(steps|seed|sampler(?:_name)?|scheduler|cfg[ _]?scale|guidance[ _]?scale|negative[ _]?prompt|prompt|model|width"
    r"|num_inference_steps|class_type|uc)[\"']?\s{0,4}[:=]",
    re.IGNORECASE,
)
_JOB = re.compile(r"\bJob ID: [0-9a-f-]{36}")  # how Midjourney ends its descriptions


class Texts:
    """The texts of one file: the first of each keyword, up to a total length."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self.too_long: list[str] = []  # keywords
        self._seen: set[str] = set()  # decompress only a few, as a file may have thousands
        self._left = MAX_TEXTS_BYTES

    def add_chunk(self, chunk: Chunk) -> None:
        """A tEXt, zTXt or iTXt chunk, or its first bytes if it is longer than MAX_TEXTS_BYTES."""
        keyword = keyword_of(chunk)
        if keyword in self._seen or (keyword not in _KEYWORDS and len(self._seen) >= _MAX_KEYWORDS):
            return
        self._seen.add(keyword)
        most = self._left if keyword in _KEYWORDS or keyword == XMP else min(self._left, _MAX_OTHER_BYTES)
        text = text_of(chunk, most) if chunk.length <= MAX_TEXTS_BYTES else None
        if text is not None:
            self.add(keyword, text)
        elif keyword in _KEYWORDS and (chunk.length > MAX_TEXTS_BYTES or is_too_long(chunk, self._left)):
            self.too_long.append(keyword)

    def add_exif(self, exif: Exif) -> None:
        """
        Source: A1111 modules/images.py (UserComment); ComfyUI comfy_extras/nodes_images.py ("prompt:", "workflow:").
        """
        if exif.comment:
            self.add("parameters", exif.comment)
        for text in exif.texts:
            keyword, separator, rest = text[:20].partition(":")
            if separator and keyword.strip().lower() in _KEYWORDS:
                self.add(keyword.strip().lower(), rest + text[20:])
            else:
                self.add("description", text)

    def add_xmp(self, packet: str) -> None:
        """Draw Things and others store their settings as one of a few properties."""
        for place in _PLACES:
            start = packet.find(f"<{place}")
            end = packet.find(f"</{place}>", start)
            if 0 <= start < end:
                self.add(place, html.unescape(re.sub(r"<[^<>]*>", "", packet[start:end])).strip())

    def add(self, keyword: str, text: str) -> None:
        if keyword == XMP:
            self.add_xmp(text)
            return
        text = text.removeprefix("\ufeff")
        is_kept = (
            keyword in _KEYWORDS
            or keyword == "Description"
            or (keyword.lower() in _BESIDE and len(text) <= 200)
            or (len(keyword) < 40 and _OF_ONE_SETTING.fullmatch(re.sub(r"[_\W]+", " ", keyword.lower())) is not None)
            or looks_like_settings(text)
        )
        if is_kept and len(text) <= self._left and keyword not in self.found:
            self._left -= len(text)
            self.found[keyword] = text


def looks_like_settings(text: str) -> bool:
    """Whether it names several settings, as no photo caption does."""
    text = text[:_LOOKED_AT]
    return len({match.lower() for match in _SETTING.findall(text)}) >= 2 or bool(_JOB.search(text))
