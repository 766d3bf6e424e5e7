"""Where the parts of a model lie while it works: a pure function from what a machine has to a plan.

Knows nothing of torch or of any model: needs and possessions come in as gigabytes (1e9 bytes).

    RESIDENT      everything stays on the card                              fastest
    TEXT_LEAVES   text encoders are on it only while a prompt is read
    PARTS         each part is on it only while it works
    BLOCKS        single layers pass through it                             slowest, a few GB are enough
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

Dtype = Literal["bfloat16", "float16", "float32"]

SMALL_GB = 4.5
"""Largest model, as float32, that is worth running without a graphics card: above it one step takes a minute."""
SPARE_GB = 1.2
"""Kept free on a card: 0.7 GB for the CUDA context, 0.5 GB for the desktop."""
SPARE_RAM_GB = 4.0
"""Kept free in main memory for the system, Python and the page."""
BLOCK_GB = 1.0
"""Most that single layers of FLUX and T5 take while they pass through: the largest is an embedding of 0.6 GB."""


OPENING_GB = 4.0
"""Most that main memory holds of weights that are read straight onto a card."""


class Placement(IntEnum):
    """From fast to slow; compare with <."""

    RESIDENT = 0
    TEXT_LEAVES = 1
    PARTS = 2
    BLOCKS = 3


@dataclass(frozen=True)
class Needs:
    """What the parts of a model weigh with 16 bits a number, and what its work takes on top, in GB."""

    text: float
    transformer: float
    vae: float
    step: float  # activations of one denoising step at the default size
    decode: float  # activations of the last decode at the default size

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

    def __str__(self) -> str:
        where = {
            Placement.RESIDENT: "all of it on the card" if self.device != "cpu" else "on the CPU",
            Placement.TEXT_LEAVES: "text encoders off the card after each prompt",
            Placement.PARTS: "each part on the card only while it works",
            Placement.BLOCKS: "layer by layer through the card, slowly",
        }[self.placement]
        return f"{where} ({self.dtype}, {self.gpu_gb:.0f} GB)" if self.gpu_gb else f"{where} ({self.dtype})"


def plan(means: Means, needs: Needs | Whole) -> Plan | None:
    """The fastest way to run a model here; None where it cannot run. More memory on the card is never slower."""
    return next(iter(plans(means, needs)), None)


def plans(means: Means, needs: Needs | Whole) -> tuple[Plan, ...]:
    """Every way that fits, the fastest first: the next one is for when a card turns out to be fuller than it said.

    What is laid out as a whole is so small that it is tried wherever it may run.
    """
    if isinstance(needs, Whole):
        dtype: Dtype = "float16" if needs.half and means.card == "cuda" else "float32"
        return (Plan(Placement.RESIDENT, means.card or "cpu", dtype, dtype, needs.gpu_gb, needs.ram_gb),)
    if not means.card:
        return _on_cpu(means, needs)
    room_gb = min(means.free_gb, means.total_gb - SPARE_GB)
    ram_gb = means.ram_gb - SPARE_RAM_GB
    if means.card == "mps":
        # One memory: what is moved off the card is still in it, so there is only one way.
        apple = [each for each in _on_card(means, needs) if each.placement == Placement.RESIDENT]
        return tuple(each for each in apple if each.gpu_gb <= min(room_gb, ram_gb))
    fitting = tuple(each for each in _on_card(means, needs) if each.gpu_gb <= room_gb and each.ram_gb <= ram_gb)
    return fitting or _on_cpu(means, needs)


def least(needs: Needs, ram_gb: float, *, slowest: Placement = Placement.BLOCKS) -> Means:
    """The smallest machine on which a model runs no slower than `slowest`: its card and its main memory.

    Args:
        ram_gb: main memory there is; placements that want more are taken only when none is content with it.
    """
    probe = Means(free_gb=0.0, total_gb=1.0, ram_gb=ram_gb, capability=(8, 0))
    ways = [each for each in _on_card(probe, needs) if each.placement <= slowest]
    content = [each for each in ways if each.ram_gb + SPARE_RAM_GB <= ram_gb]
    way = min(content, key=lambda each: each.gpu_gb) if content else min(ways, key=lambda each: each.ram_gb)
    card_gb = way.gpu_gb + SPARE_GB
    return Means(card_gb, card_gb, way.ram_gb + SPARE_RAM_GB, probe.capability)


def _on_card(means: Means, needs: Needs) -> list[Plan]:
    """All placements, with what each takes.

    Turing and Volta (7.x) have no fast bfloat16. FLUX's transformers clip for float16 themselves; its text encoders
    overflow in it, so they and the autoencoder get float32. Source: https://github.com/huggingface/diffusers/pull/9097
    """
    dtype: Dtype = "bfloat16" if means.capability >= (8, 0) or means.card == "mps" else "float16"
    if means.card == "mps" and 2 * needs.weights <= SMALL_GB:
        dtype = "float32"  # small models are neither faster nor better in half precision there
    wide = 2.0 if dtype == "float32" else 1.0
    other: Dtype = "float32" if dtype != "bfloat16" else dtype
    twice = 2.0 if other == "float32" else 1.0
    text, transformer, vae = twice * needs.text, wide * needs.transformer, twice * needs.vae
    step, decode = wide * needs.step, twice * needs.decode
    work = max(step, decode)
    peaks = {
        Placement.RESIDENT: text + transformer + vae + work,
        Placement.TEXT_LEAVES: max(text + step, transformer + vae + work),
        Placement.PARTS: max(text + step, transformer + step, vae + decode),
        Placement.BLOCKS: BLOCK_GB * twice + vae + work,
    }
    in_ram = {
        # Only what leaves the card stays in main memory; the rest passes through it once, tensor by tensor.
        Placement.RESIDENT: min(OPENING_GB, max(text, transformer, vae)),
        Placement.TEXT_LEAVES: text + transformer + vae,
        Placement.PARTS: text + transformer + vae,
        Placement.BLOCKS: text + transformer + vae,
    }
    device: Literal["cuda", "mps"] = "mps" if means.card == "mps" else "cuda"
    return [Plan(each, device, dtype, other, round(peaks[each], 2), round(in_ram[each], 2)) for each in Placement]


def _on_cpu(means: Means, needs: Needs) -> tuple[Plan, ...]:
    total_gb = 2 * (needs.weights + max(needs.step, needs.decode))
    if 2 * needs.weights > SMALL_GB or total_gb > means.ram_gb:
        return ()
    return (Plan(Placement.RESIDENT, "cpu", "float32", "float32", 0.0, round(total_gb, 2)),)
