"""The records the app passes around: requests, results, and what a model supports. Knows no torch, gradio or disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Literal, NamedTuple, Protocol

from PIL import Image

from studio.cards.facts import Demo, Need
from studio.cards.palette import Palette

MAX_PICTURES = 8  # that one request may ask for
MAX_SEED = 2**32 - 1  # inclusive: what torch, numpy and the A1111 text format all accept
FULL_PRECISION = "16-bit"  # asks for weights that are not packed


class Task(StrEnum):
    """A model lists the tasks it can do."""

    GENERATE = "generate"  # text -> image
    ITERATE = "iterate"  # image + instruction -> image
    UPSCALE = "upscale"  # image -> the same image with more pixels
    CONTROL = "control"  # image -> its outlines, or how far away everything is, which another model can follow
    DESCRIBE = "describe"  # image -> words
    IMPROVE = "improve"  # prompt -> prompt
    EMBED = "embed"  # image or words -> a vector: what means the same lies near
    SEGMENT = "segment"  # image + clicks -> masks
    VIEWS = "views"  # image + mask -> four views around it
    SPLAT = "splat"  # four views -> Gaussian splat


class Size(NamedTuple):
    """Width and height in pixels, in that order everywhere outside a tensor."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width} x {self.height}"


@dataclass(frozen=True)
class GenerateRequest:
    """What a person asked for in the Generate tab, the CLI or the API: plain values that fit in a JSON row.

    None: the model's own default. `Studio.generate` fills it in: what is not in the stored request changes nothing.
    """

    prompt: str
    model: str = ""  # "": the first model that is ready
    size: Size | None = None
    count: int = 1
    seed: int | None = None  # of the first picture; picture i gets seed + i
    steps: int | None = None
    guidance: float | None = None
    negative_prompt: str = ""
    style: str = ""  # id of a Style of the model; "" for none
    quality: str = ""  # one of the model's qualities; "": its first, or it has none
    transparent: bool = False  # nothing behind what was asked for: an RGBA picture
    clip_skip: int | None = None  # which layer of the text encoder is asked, counted from the last one, which is 1
    precision: str = ""  # in how many bits the weights are kept, such as "nf4"; "": as suits the machine
    fast: bool = False  # the network is compiled: a wait once, quicker pictures, which differ by rounding
    control: str = ""  # asset id of a picture whose outlines or depth are followed
    control_strength: float | None = None  # how closely
    sampler: str = ""  # one of the model's samplers; "": its first, or it has none


@dataclass(frozen=True)
class Stroke:
    """A brush stroke, or with `add` False one of the eraser; in pixels of the full-size picture."""

    points: tuple[tuple[float, float], ...]
    radius: float
    add: bool = True

    def scaled(self, scale: float) -> Stroke:
        """The same stroke in a picture of another size."""
        return Stroke(tuple((x * scale, y * scale) for x, y in self.points), self.radius * scale, self.add)


@dataclass(frozen=True)
class IterateRequest:
    """What a person asked for in the Iterate tab: a picture, and what to change about it.

    With an object, strokes or an extension all else stays, byte for byte. `Studio.iterate` fills what was left open."""

    source: str  # asset id of the picture
    instruction: str  # "": only to extend a picture, or for a model that fills a mask by itself
    model: str = ""  # "": the first that is ready
    references: tuple[str, ...] = ()  # asset ids of more pictures that the instruction may speak of
    object: str = ""  # asset id of an object of the picture: change only inside it
    strokes: tuple[Stroke, ...] = ()  # a painted mask, in pixels of the source; with an object: both together
    invert: bool = False  # change everything but the object and the strokes
    feather: float | None = None  # pixels of the source over which the change fades out; None: by the size
    extend: tuple[int, int, int, int] = (0, 0, 0, 0)  # pixels added at left, top, right, bottom
    count: int = 1
    seed: int | None = None  # of the first picture; picture i gets seed + i
    steps: int | None = None
    guidance: float | None = None
    strength: float | None = None  # how far from the source, 0 to 1
    negative_prompt: str = ""
    quality: str = ""
    transparent: bool = False
    clip_skip: int | None = None
    precision: str = ""
    fast: bool = False
    control: str = ""  # asset id of a picture whose outlines or depth are followed; "": those of the source
    control_strength: float | None = None  # how closely
    sampler: str = ""


@dataclass(frozen=True)
class UpscaleRequest:
    """What a person asked for: a picture with more pixels. `Studio.upscale` fills what was left open."""

    source: str  # asset id of the picture
    model: str = ""  # "": the first that is ready and suits the picture
    scale: int | None = None  # how many times as wide and high; None: what suits the size


@dataclass(frozen=True)
class ImageRequest:
    """What an image model gets: one picture, every value decided. What is not here cannot change the picture."""

    prompt: str  # as sent to the model, style included
    size: Size
    seed: int
    steps: int
    guidance: float
    negative_prompt: str = ""
    references: tuple[Image.Image, ...] = ()  # RGB pictures an instruction refers to; empty for text -> image
    mask: Image.Image | None = None  # "L", of the size of the first reference, 255 = change here; None: anywhere
    strength: float | None = None  # how far from the first reference, 0 to 1; None: the model has no such control
    control: Image.Image | None = None  # RGB, of `size`: the outlines or the depth that are followed
    control_strength: float | None = None  # how closely
    quality: str = ""
    transparent: bool = False
    clip_skip: int | None = None  # None: the model's own layer
    precision: str = ""
    fast: bool = False
    sampler: str = ""
    owner: str = ""  # whose key pays; changes nothing in the picture
    late: Callable[[ImageResult], None] | None = field(default=None, repr=False, compare=False)
    """Where a picture goes that was paid for and comes after Stop or the deadline: any thread, once; None: lost."""
    id: str = ""  # of this picture among all that were ever asked for; changes nothing in it; "": it has none


@dataclass(frozen=True)
class ImageResult:
    """What an image model gives back."""

    image: Image.Image  # RGB (RGBA if `transparent`), of the size that was asked for if the spec says `exact_size`
    seed: int | None  # None where a cloud model does not take one: the picture cannot be made again
    revision: str = ""  # of the weights, where only the loaded model knows it; "": the one in its spec
    notice: str = ""  # a sentence for the person: "X has retired A; B made this picture."
    price_usd: float | None = None  # what it cost, where the provider says what was used; None: not known
    precision: str = ""  # in how many bits the weights were kept; "": in 16 or more
    fast: bool = False  # a compiled network made it
    scores: tuple[float, ...] = ()  # after each step, how well it fits the prompt; (): the model does not say
    frames: tuple[Image.Image, ...] = ()  # RGB of one size: how the picture came about, for a film; (): no film
    kept: Callable[[], object] = field(default=dict, repr=False, compare=False)  # does nothing, and can be pickled
    """Called once it is saved: the copy elsewhere that stood in for it until then may go."""


@dataclass(frozen=True)
class Progress:
    """A sign of life from a model. `steps` is 0 while the length is unknown (loading, waiting for a cloud answer)."""

    step: int
    steps: int
    note: str = ""
    preview: Image.Image | None = None  # RGB, any size: what the picture looks like so far


Tell = Callable[[Progress], None]
"""Report progress. Raises `errors.Cancelled` after Stop and `errors.Skipped` after "Skip this one": let them pass."""


class Model(Protocol):
    """A loaded model or a connected cloud model: one method does the work, one lets go."""

    def run(self, request: Any, tell: Tell) -> Any:
        """Do the work on the lane's own thread; `Cancelled` and `Skipped` raised by `tell` pass through."""

    def close(self) -> None:
        """Give memory back. The model is not used again."""


class Weights(Protocol):
    """The files of a model that are downloaded."""

    def fetch(self, tell: Tell) -> None:
        """Download what is missing; resumes where an earlier one stopped. What `tell` raises ends it."""

    def is_complete(self) -> bool: ...

    def kept_gb(self) -> float:
        """What lies on this disk, also of a download that was cut off."""
        ...

    def remove(self) -> None:
        """Delete what only this model needs."""


@dataclass(frozen=True)
class Readiness:
    """Can this model be used now, and if not, what does it need? `label` is what the page shows beside its name."""

    ok: bool  # a request would be accepted
    label: str  # "ready", "8 GB download", "needs a GPU with 13 GB"
    hint: str = ""  # one sentence: what to do about it; "" when ready
    download_gb: float = 0.0  # what the first use downloads; 0: everything is here
    is_damaged: bool = False  # it ought to work: no other model, that may be a download, takes its place unasked


@dataclass(frozen=True)
class Style:
    """A preset that adds words to the prompt. `template` holds "{prompt}"."""

    id: str
    label: str
    template: str
    unless: str = ""  # leave the prompt alone when it already holds this word

    def apply(self, prompt: str) -> str:
        """The prompt as sent to the model."""
        if self.unless and self.unless in prompt.lower():
            return prompt
        return self.template.replace("{prompt}", prompt)


@dataclass(frozen=True)
class Range:
    """What a numeric control of a model accepts, both ends included."""

    low: float
    high: float
    default: float


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """What a person reads about a model, and what the model can honour; as data, before anything is looked at."""

    id: str  # "toy-klein"; stable, written into every recipe
    label: str
    tasks: frozenset[Task]
    lane: Literal["gpu", "cloud", "workers"] = "gpu"  # workers: only other machines can run it
    licence: str = ""
    licence_url: str = ""
    page_url: str = ""  # where a person reads about it, and accepts the licence of a gated one
    about: str = ""  # one line for people: what it is good at
    sizes: tuple[Size, ...] = ()  # offered in the page; the first is the default
    any_size: tuple[int, int, int] | None = None  # (smallest side, largest side, multiple); None: only `sizes`
    seed: bool = True
    steps: Range | None = None  # None: not honoured
    guidance: Range | None = None
    elevation_deg: float = 0.0  # of views: how far a picture looks down on its object where nobody says so
    negative_prompt: bool = False
    clip_skip: Range | None = None
    text_tokens: int = 0  # how many tokens of a prompt it reads; what comes behind them is cut off; 0: all of it
    prompt_weights: bool = False  # reads "(word:1.2)" and BREAK as A1111 does
    references: int = 0  # most pictures an instruction may refer to
    styles: tuple[Style, ...] = ()
    examples: tuple[str, ...] = ()  # prompts that work well
    palette: Palette | None = None  # the words of one that knows few; None: any will do
    demo: Demo | None = None
    qualities: tuple[str, ...] = ()  # the first is the default; (): not honoured
    samplers: tuple[str, ...] = ()  # as A1111 calls them; the first is the default; (): not honoured
    transparent: bool = False  # can leave out the background
    mask: bool = False  # keeps to a mask itself; a caller composites anyway
    mask_only: bool = False  # changes nothing without a mask
    strength: Range | None = None
    control: str = ""  # id of the model that makes the pictures that it follows; "": it follows none
    control_strength: Range | None = None
    makes: str = ""  # of one that makes such pictures: what they show, "outlines"
    scales: tuple[int, ...] = ()  # how many times it can enlarge a picture
    toys_only: bool = False  # was taught nothing but the toy world
    strokes: bool = False  # segmentation: takes brush strokes as hints; else they are painted over its mask
    exact_size: bool = True  # False: the picture has the shape that was asked for and nearly the size
    retired_on: str = ""  # ISO date from which another model of the provider answers instead; "": not announced

    def spec(self, **more: Any) -> ModelSpec:
        """The line of a catalog: what is on this card, and the rest of what `ModelSpec` has."""
        return ModelSpec(**{each.name: getattr(self, each.name) for each in fields(ModelCard)} | more)


@dataclass(frozen=True, kw_only=True)
class ModelSpec(ModelCard):
    """One line of a catalog: what a person reads, what the loader needs, and what the model can honour: the page shows
    only that, and a request that asks for more is an error, never dropped silently."""

    load: Callable[[Tell], Model]  # heavy imports only here; a download reports and can be stopped
    readiness: Callable[[], Readiness]  # light: no torch, no network
    revision: str = ""  # of the weights: with id, seed and parameters it makes the picture again
    gpu_gb: float = 0.0  # peak at the default size; 0 for cloud and for models that run on the CPU
    weights: Weights | None = None  # None: it is included, a person's own, or in a cloud
    layout: str = ""  # how it is laid out on this machine, in words; "": it is not decided
    pace: Literal["", "fast", "medium", "slow"] = ""  # how that compares with the whole model on a card
    precisions: tuple[str, ...] = ()  # in how many bits its weights can be kept on this machine
    fast: bool = False  # compiling its network pays on this machine
    key: str = ""  # name of the variable that holds the API key it needs
    download_gb: float = 0.0  # what it downloads before the first use; 0: it is included, or needs nothing
    gated: bool = False  # the licence has to be accepted on its page before it can be downloaded
    known_words: Callable[[], frozenset[str]] | None = None  # lower case; None: any words will do
    provider: str = ""  # whom a cloud model belongs to, as people call it; "": it runs on this machine
    loras: Callable[[], tuple[str, ...]] | None = None  # names of the LoRA files here that fit it; None: it takes none
    price_usd: Callable[[ImageRequest], float | None] | None = None
    """Estimate for one picture, before it is asked for; None, or an answer of None: not known."""
    seconds: Callable[[int, Size], float | None] | None = None  # for one picture here: of its steps and size
    needs: Callable[[], tuple[Need, ...]] = tuple[Need, ...]  # all of it, also what is there; light, as `readiness`
    readiness_of: Callable[[str], Readiness] | None = None
    """`readiness` for one owner, where it differs between them: the key that was pasted for a session counts."""

    def ready_for(self, owner: str) -> Readiness:
        """Can this owner use the model now?"""
        return self.readiness_of(owner) if self.readiness_of else self.readiness()
