"""Plans a model's precision and device placement: a pure function from a machine's memory to a plan.

Knows nothing of torch or of any model: needs and possessions come in as gigabytes (1e9 bytes).

    RESIDENT      everything stays on the card                              fastest
    TEXT_LEAVES   text encoders are on it only while a prompt is read
    PARTS         each part is on it only while it works
    STREAMED      single layers pass through it, the next one while one works
    BLOCKS        single layers pass through it one by one                  slowest, a few GB are enough

Each of them with the weights in 16 bits, or in fewer: see `Precision`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Literal, NamedTuple

Dtype = Literal["bfloat16", "float16", "float32"]

SMALL_GB = 4.5
"""Largest model, as float32, that is worth running without a graphics card: above it one step takes a minute."""
SPARE_GB = 1.2
"""Kept free on a card: 0.7 GB for the CUDA context, 0.5 GB for the desktop."""
SPARE_RAM_GB = 4.0
"""Kept free in main memory for the system, Python and the page."""
BLOCK_GB = 1.0
"""Most that single layers of FLUX and T5 take while they pass through: the largest is an embedding of 0.6 GB."""
UNPACKED_GB = 0.25
"""Most that layers take which are unpacked to 16 bits while they work."""
OPENING_GB = 4.0
"""Most that main memory holds of weights that are read straight onto a card."""
LARGEST = 2.25
"""Pixels of the largest picture a model offers, as a multiple of the default's."""
SMALL_TILES = 0.3
"""What a decode in tiles of half the side takes of a whole one: a quarter of its pixels, and the picture itself."""


class Placement(IntEnum):
    """From fast to slow; compare with <."""

    RESIDENT = 0
    TEXT_LEAVES = 1
    PARTS = 2
    STREAMED = 3
    BLOCKS = 4


class Pace(IntEnum):
    """A class of time; compare with <."""

    FAST = 0
    MEDIUM = 1
    SLOW = 2


PACES = {
    Placement.RESIDENT: Pace.FAST,
    Placement.TEXT_LEAVES: Pace.FAST,
    Placement.PARTS: Pace.MEDIUM,
    Placement.STREAMED: Pace.MEDIUM,
    Placement.BLOCKS: Pace.SLOW,
}


class Precision(StrEnum):
    """In how many bits the weights of the network, and of large text encoders, are kept; best first.

    They still work in 16 bits: each layer is unpacked as it is used.
    """

    FULL = "16-bit"
    FP8 = "8-bit fp8"  # cast by diffusers; needs no package
    Q8 = "8-bit GGUF"
    INT8 = "8-bit"  # by bitsandbytes
    NF4 = "4-bit NF4"  # by bitsandbytes
    Q5 = "5-bit GGUF"
    Q4 = "4-bit GGUF"

    @property
    def is_file(self) -> bool:
        """Whether the network comes as a file of its own, already packed."""
        return self in (Precision.Q8, Precision.Q5, Precision.Q4)

    @property
    def code(self) -> str:
        """As recipes and requests say it: "nf4", "gguf-q8"; "" for 16 bits, of which they do not speak."""
        if self == Precision.FULL:
            return ""
        return f"gguf-{self.name.lower()}" if self.is_file else self.name.lower()


class Share(NamedTuple):
    """Of the bytes that 16 bits a number take."""

    network: float
    text: float


# From the sizes of FLUX.1's files: transformer 23.8 GB; fp8 and int8 11.9, Q8_0 12.7, Q5_K_S 8.3, Q4_K_S 6.8, NF4 6.7;
# T5 9.5 GB; fp8 4.9, NF4 3.3, a quarter
# of it in int8; beside a GGUF network, T5 is kept as fp8. Embeddings stay whole, which are a tenth of klein's.
SHARES = {
    Precision.FULL: Share(1.0, 1.0),
    Precision.FP8: Share(0.51, 0.56),
    Precision.Q8: Share(0.535, 0.53),
    Precision.INT8: Share(0.52, 0.56),
    Precision.NF4: Share(0.285, 0.36),
    Precision.Q5: Share(0.35, 0.53),
    Precision.Q4: Share(0.287, 0.53),
}
ANYWHERE = frozenset({Precision.FULL, Precision.FP8})
"""What needs no package beside torch and diffusers."""
BITSANDBYTES = frozenset({Precision.INT8, Precision.NF4})
"""Their numbers lie beside what says how to read them, which layers that pass through a card leave behind."""


class Tiles(StrEnum):
    """In how many pieces a picture is decoded, so that memory stays bounded."""

    WHOLE = "whole"
    LARGE = "large"  # pictures larger than the autoencoder was trained on
    SMALL = "small"  # pieces of half that side


@dataclass(frozen=True)
class Needs:
    """What the parts of a model weigh with 16 bits a number, and what its work takes on top, in GB."""

    text: float
    transformer: float
    vae: float
    step: float  # activations of one denoising step at the default size
    decode: float  # activations of the last decode at the default size
    kept: tuple[Precision, ...] = (Precision.FULL,)  # in what its weights can be kept
    clip: bool = False  # its text encoders are CLIP's, which stay in 16 bits

    @property
    def weights(self) -> float:
        return self.text + self.transformer + self.vae


@dataclass(frozen=True)
class Whole:
    """What a model takes that is laid out as a whole, in GB."""

    gpu_gb: float = 0.0  # at work on a card; 0: next to nothing
    card: bool = False  # it does not run without one
    ram_gb: float = 0.0  # of main memory, where there is no card
    half: bool = False  # float16 on a CUDA card, as its own code does


@dataclass(frozen=True)
class Means:
    """What a machine has for models: one card (or none: `total_gb` 0), and main memory."""

    free_gb: float
    total_gb: float
    ram_gb: float
    capability: tuple[int, int]  # CUDA compute capability; (0, 0) on Apple chips, whose memory is the main memory
    can: frozenset[Precision] = ANYWHERE  # what the installed packages open
    compiler: bool = False  # there is one for this card

    @property
    def card(self) -> Literal["cuda", "mps", ""]:
        """The kind of card that models can use; "" for none. PyTorch has dropped CUDA cards below 7.0."""
        if self.total_gb <= 0:
            return ""
        if self.capability == (0, 0):
            return "mps"
        return "cuda" if self.capability >= (7, 0) else ""


@dataclass(frozen=True)
class Plan:
    """How to run a model here."""

    placement: Placement
    device: Literal["cuda", "mps", "cpu"]
    dtype: Dtype  # of the transformer
    other_dtype: Dtype  # of the autoencoder and of text encoders that need more room for their numbers
    gpu_gb: float  # most it takes on the card
    ram_gb: float  # most it takes in main memory
    precision: Precision = Precision.FULL
    tiles: Tiles = Tiles.WHOLE
    compiles: bool = False  # a network that is compiled is quicker
    channels_last: bool = False  # so the numbers of the autoencoder lie in memory

    @property
    def pace(self) -> Pace:
        return Pace.SLOW if self.device == "cpu" else PACES[self.placement]

    def __str__(self) -> str:
        where = {
            Placement.RESIDENT: "all of it on the GPU" if self.device != "cpu" else "on the CPU",
            Placement.TEXT_LEAVES: "text encoders off the GPU after each prompt",
            Placement.PARTS: "each part on the GPU only while it works",
            Placement.STREAMED: "layer by layer through the GPU",
            Placement.BLOCKS: "layer by layer through the GPU, slowly",
        }[self.placement]
        kept = self.dtype if self.precision == Precision.FULL else str(self.precision)
        return f"{where} ({kept}, {self.gpu_gb:.0f} GB)" if self.gpu_gb else f"{where} ({kept})"


def plan(means: Means, needs: Needs | Whole) -> Plan | None:
    """The fastest way to run a model here; None where it cannot run. More memory is never slower."""
    return next(iter(plans(means, needs)), None)


def plans(means: Means, needs: Needs | Whole) -> tuple[Plan, ...]:
    """Every way that fits, the fastest first, each smaller than the one before: for a card that is fuller than it said.

    Of equally fast ways the one with the better weights comes first. What is laid out as a whole is so small that it is
    tried wherever it may run.
    """
    if isinstance(needs, Whole):
        dtype: Dtype = "float16" if needs.half and means.card == "cuda" else "float32"
        return (Plan(Placement.RESIDENT, means.card or "cpu", dtype, dtype, needs.gpu_gb, needs.ram_gb),)
    if not means.card:
        return _on_cpu(means, needs)
    room_gb = min(means.free_gb, means.total_gb - SPARE_GB)
    ram_gb = means.ram_gb - SPARE_RAM_GB
    if means.card == "mps":
        room_gb = min(room_gb, ram_gb)  # one memory
    ways = [each for each in _on_card(means, needs, room_gb) if each.gpu_gb <= room_gb and each.ram_gb <= ram_gb]
    ways.sort(key=lambda each: (each.pace, [*Precision].index(each.precision), each.placement))
    smaller: list[Plan] = []
    for each in ways:
        if not smaller or each.gpu_gb < smaller[-1].gpu_gb:
            smaller.append(each)
    return tuple(smaller) or _on_cpu(means, needs)


def least(needs: Needs, ram_gb: float, *, can: frozenset[Precision] = ANYWHERE, slowest: Pace = Pace.SLOW) -> Means:
    """The smallest machine on which a model runs no slower than `slowest`: its card and its main memory.

    Args:
        ram_gb: main memory there is; placements that want more are taken only when none is content with it.
        can: what the installed packages open.
    """
    probe = Means(free_gb=0.0, total_gb=1.0, ram_gb=ram_gb, capability=(8, 0), can=can)
    ways = [each for each in _on_card(probe, needs, 0.0) if each.pace <= slowest]
    content = [each for each in ways if each.ram_gb + SPARE_RAM_GB <= ram_gb]
    way = min(content, key=lambda each: each.gpu_gb) if content else min(ways, key=lambda each: each.ram_gb)
    card_gb = way.gpu_gb + SPARE_GB
    return Means(card_gb, card_gb, way.ram_gb + SPARE_RAM_GB, probe.capability, can)


def _on_card(means: Means, needs: Needs, room_gb: float) -> Iterator[Plan]:
    """All ways, with what each takes, decoded in pieces no smaller than the room asks for."""
    is_apple = means.card == "mps"
    for precision in Precision:
        if precision not in needs.kept or precision not in means.can or (is_apple and precision != Precision.FULL):
            continue
        for placement in Placement:
            if is_apple and placement != Placement.RESIDENT:
                continue  # what is moved off the card is still in the one memory, so there is only one way
            if precision in BITSANDBYTES and placement >= Placement.STREAMED:
                continue
            yield _way(means, needs, precision, placement, room_gb)


def _way(means: Means, needs: Needs, precision: Precision, placement: Placement, room_gb: float) -> Plan:
    """One of them.

    Turing and Volta (7.x) have no fast bfloat16. FLUX's transformers clip for float16 themselves; its text encoders
    overflow in it, so they and the autoencoder get float32. Source: https://github.com/huggingface/diffusers/pull/9097
    """
    dtype: Dtype = "bfloat16" if means.capability >= (8, 0) or means.card == "mps" else "float16"
    if means.card == "mps" and 2 * needs.weights <= SMALL_GB:
        dtype = "float32"  # small models are neither faster nor better in half precision there
    wide = 2.0 if dtype == "float32" else 1.0
    other: Dtype = "float32" if dtype != "bfloat16" else dtype
    twice = 2.0 if other == "float32" else 1.0
    share, is_packed = SHARES[precision], precision != Precision.FULL
    text = needs.text * (share.text if is_packed and not needs.clip else twice)
    transformer, vae = needs.transformer * (share.network if is_packed else wide), twice * needs.vae
    step, decode = wide * needs.step + (UNPACKED_GB if is_packed else 0.0), twice * needs.decode

    def peak(decode: float) -> float:
        work = max(step, decode)
        return {
            Placement.RESIDENT: text + transformer + vae + work,
            Placement.TEXT_LEAVES: max(text + step, transformer + vae + work),
            Placement.PARTS: max(text + step, transformer + step, vae + decode),
            Placement.STREAMED: 2 * BLOCK_GB * twice + vae + work,
            Placement.BLOCKS: BLOCK_GB * twice + vae + work,
        }[placement]

    tiles = Tiles.WHOLE if peak(LARGEST * decode) <= room_gb else Tiles.LARGE
    gpu_gb = peak(decode)
    if gpu_gb > room_gb:
        tiles, gpu_gb = Tiles.SMALL, peak(SMALL_TILES * decode)
    weights = text + transformer + vae
    ram_gb = {
        # Only what leaves the card stays in main memory; the rest passes through it once: tensor by tensor, or as
        # a part that is cast there.
        Placement.RESIDENT: max(text, transformer) if is_packed else min(OPENING_GB, max(text, transformer, vae)),
        Placement.STREAMED: 2 * weights,  # pinned beside what was read
    }.get(placement, weights)
    device: Literal["cuda", "mps"] = "mps" if means.card == "mps" else "cuda"
    compiles = means.compiler and placement == Placement.RESIDENT and not is_packed and means.capability >= (8, 0)
    return Plan(
        placement, device, dtype, other, _up(gpu_gb), _up(ram_gb), precision=precision, tiles=tiles, compiles=compiles
    )


def _on_cpu(means: Means, needs: Needs) -> tuple[Plan, ...]:
    total_gb = 2 * (needs.weights + max(needs.step, needs.decode))
    if 2 * needs.weights > SMALL_GB or total_gb > means.ram_gb:
        return ()
    return (Plan(Placement.RESIDENT, "cpu", "float32", "float32", 0.0, _up(total_gb)),)


def _up(gb: float) -> float:
    """To hundredths, never to less than it is."""
    return math.ceil(100 * gb - 1e-6) / 100
