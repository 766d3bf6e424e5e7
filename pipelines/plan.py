"""Plans a model's precision and device placement: a pure function from a machine's memory to a plan.

Knows nothing of torch or of any model: requirements and memory come in as gigabytes (1e9 bytes).

    RESIDENT      everything stays on the GPU                               fastest
    TEXT_LEAVES   text encoders are on it only while encoding a prompt
    PARTS         each part is on it only while it works
    STREAMED      single layers pass through it, prefetching the next
    BLOCKS        single layers pass through it one by one                  slowest, needs a few GB

Each with weights in 16 bits, or in fewer: see `Precision`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Literal, NamedTuple

Dtype = Literal["bfloat16", "float16", "float32"]

SMALL_GB = 4.5
"""Largest model, as float32, worth running without a GPU: above it one step takes a minute."""
SPARE_GB = 1.2
"""Left free on a GPU: 0.7 GB for the CUDA context, 0.5 GB for the desktop."""
SPARE_RAM_GB = 4.0
"""Left free in main memory for the system, Python and the page."""
BLOCK_GB = 1.0
"""Most memory for single layers of FLUX and T5 in transit: the largest is an embedding of 0.6 GB."""
UNPACKED_GB = 0.25
"""Most memory for layers dequantized to 16 bits while they work."""
OPENING_GB = 4.0
"""Most main memory for weights being read straight to a GPU."""
LARGEST = 2.25
"""Pixels of a model's largest picture, as a multiple of the default's."""
SMALL_TILES = 0.3
"""Memory of decoding in tiles of half the side, compared with whole: a quarter of the pixels plus the picture."""


class Placement(IntEnum):
    """From fast to slow; compare with <."""

    RESIDENT = 0
    TEXT_LEAVES = 1
    PARTS = 2
    STREAMED = 3
    BLOCKS = 4


class Pace(IntEnum):
    """A class of speed; compare with <."""

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
    """The precision of the weights of the network, and of large text encoders; best first.

    Computation is in 16 bits: each layer is dequantized as it is used.
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
        """Whether the network is a separate, quantized file."""
        return self in (Precision.Q8, Precision.Q5, Precision.Q4)

    @property
    def code(self) -> str:
        """In recipes and requests: "nf4", "gguf-q8"; "" for 16 bits, which they do not mention."""
        if self == Precision.FULL:
            return ""
        return f"gguf-{self.name.lower()}" if self.is_file else self.name.lower()


class Share(NamedTuple):
    """Of the size in 16 bits."""

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
"""Those that need no package besides torch and diffusers."""
BITSANDBYTES = frozenset({Precision.INT8, Precision.NF4})
"""Their scales are stored separately, and would be left behind by layers passing through a GPU."""


class Tiles(StrEnum):
    """In how many tiles a picture is decoded, to limit memory."""

    WHOLE = "whole"
    LARGE = "large"  # only for pictures larger than the autoencoder was trained on
    SMALL = "small"  # tiles of half that side


@dataclass(frozen=True)
class Needs:
    """The size of a model's parts in 16 bits, and the additional memory of its work, in GB."""

    text: float
    transformer: float
    vae: float
    step: float  # activations of one denoising step at the default size
    decode: float  # activations of the last decode at the default size
    kept: tuple[Precision, ...] = (Precision.FULL,)  # precisions of its weights
    clip: bool = False  # its text encoders are CLIPs, which stay in 16 bits

    @property
    def weights(self) -> float:
        return self.text + self.transformer + self.vae


@dataclass(frozen=True)
class Whole:
    """The memory of a model that is placed as a whole, in GB."""

    gpu_gb: float = 0.0  # on a GPU, while working; 0: next to nothing
    card: bool = False  # it requires a GPU
    ram_gb: float = 0.0  # of main memory, without a GPU
    half: bool = False  # float16 on a CUDA GPU, like its own code


@dataclass(frozen=True)
class Means:
    """What a machine has for models: one GPU (or none: `total_gb` 0), and main memory."""

    free_gb: float
    total_gb: float
    ram_gb: float
    capability: tuple[int, int]  # CUDA compute capability; (0, 0) on Apple chips, whose memory is the main memory
    can: frozenset[Precision] = ANYWHERE  # precisions supported by the installed packages
    compiler: bool = False  # there is one for this GPU

    @property
    def card(self) -> Literal["cuda", "mps", ""]:
        """The kind of GPU that models can use; "" for none. PyTorch has dropped CUDA GPUs below 7.0."""
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
    other_dtype: Dtype  # of the autoencoder, and of text encoders that need more range
    gpu_gb: float  # peak memory on the GPU
    ram_gb: float  # peak main memory
    precision: Precision = Precision.FULL
    tiles: Tiles = Tiles.WHOLE
    compiles: bool = False  # compiling makes the network faster
    channels_last: bool = False  # the autoencoder's memory layout

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
    """The fastest way to run a model here; None if it cannot run. More memory is never slower."""
    return next(iter(plans(means, needs)), None)


def plans(means: Means, needs: Needs | Whole) -> tuple[Plan, ...]:
    """Every way that fits, fastest first, each smaller than the one before, in case the GPU is fuller than it reported.

    Of equally fast ways the one with better weights comes first. Models placed as a whole are so small that they are
    tried wherever they may run.
    """
    if isinstance(needs, Whole):
        dtype: Dtype = "float16" if needs.half and means.card == "cuda" else "float32"
        return (Plan(Placement.RESIDENT, means.card or "cpu", dtype, dtype, needs.gpu_gb, needs.ram_gb),)
    if not means.card:
        return _on_cpu(means, needs)
    room_gb = min(means.free_gb, means.total_gb - SPARE_GB)
    ram_gb = means.ram_gb - SPARE_RAM_GB
    if means.card == "mps":
        room_gb = min(room_gb, ram_gb)  # shared memory
    ways = [each for each in _on_card(means, needs, room_gb) if each.gpu_gb <= room_gb and each.ram_gb <= ram_gb]
    ways.sort(key=lambda each: (each.pace, [*Precision].index(each.precision), each.placement))
    smaller: list[Plan] = []
    for each in ways:
        if not smaller or each.gpu_gb < smaller[-1].gpu_gb:
            smaller.append(each)
    return tuple(smaller) or _on_cpu(means, needs)


def least(needs: Needs, ram_gb: float, *, can: frozenset[Precision] = ANYWHERE, slowest: Pace = Pace.SLOW) -> Means:
    """The smallest machine on which a model runs no slower than `slowest`: its GPU and its main memory.

    Args:
        ram_gb: main memory there is; placements that need more are used only if no other works.
        can: precisions supported by the installed packages.
    """
    probe = Means(free_gb=0.0, total_gb=1.0, ram_gb=ram_gb, capability=(8, 0), can=can)
    ways = [each for each in _on_card(probe, needs, 0.0) if each.pace <= slowest]
    content = [each for each in ways if each.ram_gb + SPARE_RAM_GB <= ram_gb]
    way = min(content, key=lambda each: each.gpu_gb) if content else min(ways, key=lambda each: each.ram_gb)
    card_gb = way.gpu_gb + SPARE_GB
    return Means(card_gb, card_gb, way.ram_gb + SPARE_RAM_GB, probe.capability, can)


def _on_card(means: Means, needs: Needs, room_gb: float) -> Iterator[Plan]:
    """All ways, with their memory, decoding in tiles no smaller than necessary."""
    is_apple = means.card == "mps"
    for precision in Precision:
        if precision not in needs.kept or precision not in means.can or (is_apple and precision != Precision.FULL):
            continue
        for placement in Placement:
            if is_apple and placement != Placement.RESIDENT:
                continue  # with shared memory, moving parts off the GPU gains nothing
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
        dtype = "float32"  # small models gain nothing from half precision there
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
        Placement.STREAMED: 2 * weights,  # pinned, in addition to what was read
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
    """To hundredths, rounded up."""
    return math.ceil(100 * gb - 1e-6) / 100
