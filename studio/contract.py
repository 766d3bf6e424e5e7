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
MAX_SEED = 2**32 - 1  # inclusive: the most that torch, numpy and A1111's text format accept
FULL_PRECISION = "16-bit"  # asks for unquantized weights


class Task(StrEnum):
    """What models can do."""

    GENERATE = "generate"  # text -> image
    ITERATE = "iterate"  # image + instruction -> image
    UPSCALE = "upscale"  # image -> the same image with more pixels
    CONTROL = "control"  # image -> its outlines or depth, for another model to follow
    DESCRIBE = "describe"  # image -> words
    IMPROVE = "improve"  # prompt -> prompt
    EMBED = "embed"  # image or words -> a vector; similar meanings lie close
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
    """What a person asked for in the Generate tab, the CLI or the API, as plain JSON values.

    None means the model's default; `Studio.generate` fills it in.
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
    transparent: bool = False  # an RGBA picture without a background
    clip_skip: int | None = None  # text encoder layer, counted from the last, which is 1
    precision: str = ""  # of the weights, such as "nf4"; "": what suits the machine
    fast: bool = False  # compile the network: slow once, then faster; rounding differs
    control: str = ""  # asset id of a picture whose outlines, depth or likeness are followed
    control_strength: float | None = None  # how closely
    sampler: str = ""  # one of the model's samplers; "": its first, or it has none


@dataclass(frozen=True)
class Stroke:
    """A brush stroke, or an eraser stroke if `add` is False, in pixels of the full-size picture."""

    points: tuple[tuple[float, float], ...]
    radius: float
    add: bool = True

    def scaled(self, scale: float) -> Stroke:
        """The same stroke in a picture of another size."""
        return Stroke(tuple((x * scale, y * scale) for x, y in self.points), self.radius * scale, self.add)


@dataclass(frozen=True)
class IterateRequest:
    """A change to a picture, as asked for in the Iterate tab.

    With an object, strokes or an extension, everything outside stays byte for byte. `Studio.iterate` fills in the rest.
    """

    source: str  # asset id of the picture
    instruction: str  # "": only extend, or let the model fill a mask on its own
    model: str = ""  # "": the first that is ready
    references: tuple[str, ...] = ()  # asset ids of further pictures the instruction may mention
    object: str = ""  # asset id of an object in the picture: change only that
    strokes: tuple[Stroke, ...] = ()  # a painted mask, in pixels of the source; with an object: both together
    invert: bool = False  # change everything but the object and the strokes
    feather: float | None = None  # pixels of the source over which the change fades out; None: depends on the size
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
    control: str = ""  # asset id of a picture whose outlines or depth to follow; "": the source
    control_strength: float | None = None  # how closely
    sampler: str = ""


@dataclass(frozen=True)
class UpscaleRequest:
    """A request to enlarge a picture. `Studio.upscale` fills in the rest."""

    source: str  # asset id of the picture
    model: str = ""  # "": the first that is ready and suits the picture
    scale: int | None = None  # None: depends on the size


@dataclass(frozen=True)
class ImageRequest:
    """What an image model gets: one picture, every value decided. Nothing else can change the picture."""

    prompt: str  # as sent to the model, style included
    size: Size
    seed: int = 0
    steps: int = 0
    guidance: float = 0.0
    negative_prompt: str = ""
    references: tuple[Image.Image, ...] = ()  # RGB pictures an instruction refers to, or whose likeness to follow
    mask: Image.Image | None = None  # "L", as large as the first reference, 255 = change here; None: anywhere
    strength: float | None = None  # how far from the first reference, 0 to 1; None: the model has no such control
    control: Image.Image | None = None  # RGB, of `size`: the outlines or depth to follow
    control_strength: float | None = None  # how closely
    quality: str = ""
    transparent: bool = False
    clip_skip: int | None = None  # None: the model's own layer
    precision: str = ""
    fast: bool = False
    sampler: str = ""
    owner: str = ""  # whose key pays; changes nothing in the picture
    late: Callable[[ImageResult], None] | None = field(default=None, repr=False, compare=False)
    """Called once, on any thread, with a paid picture that arrives after Stop or the deadline; None: it is lost."""
    id: str = ""  # unique to this picture; changes nothing in it; "": none


@dataclass(frozen=True)
class ImageResult:
    """What an image model returns."""

    image: Image.Image  # RGB (RGBA if `transparent`), of the requested size if the spec says `exact_size`
    seed: int | None  # None: a cloud model without seeds; the picture cannot be repeated
    revision: str = ""  # of the weights, where only the loaded model knows it; "": the one in its spec
    notice: str = ""  # a sentence for the person: "X has retired A; B made this picture."
    price_usd: float | None = None  # actual cost, if the provider reports it
    precision: str = ""  # of the weights; "": 16 bits or more
    fast: bool = False  # a compiled network made it
    scores: tuple[float, ...] = ()  # match with the prompt after each step; (): not reported
    frames: tuple[Image.Image, ...] = ()  # RGB of one size: how the picture formed, for a film; (): no film
    kept: Callable[[], object] = field(default=dict, repr=False, compare=False)  # a no-op that can be pickled
    """Called once it is saved, so that a remote copy may be deleted."""


@dataclass(frozen=True)
class Progress:
    """A progress report. `steps` is 0 while the length is unknown (loading, waiting for a cloud)."""

    step: int
    steps: int
    note: str = ""
    preview: Image.Image | None = None  # RGB, any size: the picture so far


Tell = Callable[[Progress], None]
"""Report progress. Raises `errors.Cancelled` after Stop and `errors.Skipped` after "Skip this one": let them pass."""


class Model(Protocol):
    """A loaded local model, or a connected cloud model."""

    def run(self, request: Any, tell: Tell) -> Any:
        """Run on the lane's own thread; lets `Cancelled` and `Skipped` from `tell` pass through."""

    def close(self) -> None:
        """Free its memory. The model is not used again."""


class Weights(Protocol):
    """The downloadable files of a model."""

    def fetch(self, tell: Tell) -> None:
        """Download what is missing, resuming an earlier download. An exception from `tell` ends it."""

    def is_complete(self) -> bool: ...

    def kept_gb(self) -> float:
        """Its size on this disk, partial downloads included."""
        ...

    def remove(self) -> None:
        """Delete the files that no other model needs."""


@dataclass(frozen=True)
class Readiness:
    """Whether a model can be used now, and if not, what it needs."""

    ok: bool  # a request would be accepted
    label: str  # "ready", "8 GB download", "needs a GPU with 13 GB"
    hint: str = ""  # one sentence: what to do about it; "" when ready
    download_gb: float = 0.0  # what the first use downloads; 0: everything is here
    is_damaged: bool = False  # broken rather than missing: do not silently use another model instead


@dataclass(frozen=True)
class Style:
    """A preset that adds words to the prompt. `template` holds "{prompt}"."""

    id: str
    label: str
    template: str
    unless: str = ""  # leave prompts with this word unchanged

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
    """What a person reads about a model and what it supports, as plain data."""

    id: str  # "toy-klein"; stable: every recipe names it
    label: str
    tasks: frozenset[Task]
    lane: Literal["gpu", "cloud", "workers"] = "gpu"  # workers: only on other machines
    licence: str = ""
    licence_url: str = ""
    page_url: str = ""  # its model page, where a gated licence is accepted
    about: str = ""  # one line: what it is good at
    sizes: tuple[Size, ...] = ()  # offered in the page; the first is the default
    any_size: tuple[int, int, int] | None = None  # (smallest side, largest side, multiple); None: only `sizes`
    seed: bool = True
    steps: Range | None = None  # None: not supported
    guidance: Range | None = None
    elevation_deg: float = 0.0  # views: default camera elevation of the input picture
    negative_prompt: bool = False
    clip_skip: Range | None = None
    text_tokens: int = 0  # longest prompt, the rest is cut off; 0: unlimited
    prompt_weights: bool = False  # reads "(word:1.2)" and BREAK as A1111 does
    references: int = 0  # most pictures it can take with an instruction
    styles: tuple[Style, ...] = ()
    examples: tuple[str, ...] = ()  # prompts that work well; the page offers them
    palette: Palette | None = None  # of a model that knows few words; None: any will do
    demo: Demo | None = None
    qualities: tuple[str, ...] = ()  # the first is the default; (): not supported
    samplers: tuple[str, ...] = ()  # A1111's names; the first is the default; (): not supported
    transparent: bool = False  # can omit the background
    mask: bool = False  # respects masks by itself; callers composite anyway
    mask_only: bool = False  # inpainting only
    strength: Range | None = None
    control: str = ""  # id of the model that makes its control pictures; "": none
    control_strength: Range | None = None
    likeness: bool = False  # new pictures can take the likeness of another one
    makes: str = ""  # for such a model: what its pictures show, "outlines"
    scales: tuple[int, ...] = ()  # upscaling factors
    toys_only: bool = False  # was trained on the toy world alone
    strokes: bool = False  # segmentation: takes brush strokes as hints; else they are drawn over its mask
    exact_size: bool = True  # False: the requested aspect ratio, and roughly the size
    retired_on: str = ""  # ISO date from which the provider uses another model; "": not announced

    def spec(self, **more: Any) -> ModelSpec:
        """The catalog entry: this card plus the other fields of `ModelSpec`."""
        return ModelSpec(**{each.name: getattr(self, each.name) for each in fields(ModelCard)} | more)


@dataclass(frozen=True, kw_only=True)
class ModelSpec(ModelCard):
    """A catalog entry. The page shows only what it supports; asking for more is an error."""

    load: Callable[[Tell], Model]  # heavy imports only here; reports downloads, and can be stopped
    readiness: Callable[[], Readiness]  # light: no torch, no network
    revision: str = ""  # of the weights: with id, seed and parameters it reproduces a picture
    gpu_gb: float = 0.0  # peak at the default size; 0 for cloud and for models that run on the CPU
    weights: Weights | None = None  # None: bundled, the user's own, or in a cloud
    layout: str = ""  # how it will run on this machine, in words; "": undecided
    pace: Literal["", "fast", "medium", "slow"] = ""  # compared with the whole model on a GPU
    precisions: tuple[str, ...] = ()  # weight precisions possible on this machine
    fast: bool = False  # compiling pays off on this machine
    key: str = ""  # environment variable of its API key
    download_gb: float = 0.0  # before first use; 0: nothing
    gated: bool = False  # the licence must be accepted on its page first
    known_words: Callable[[], frozenset[str]] | None = None  # lower case; None: any
    provider: str = ""  # of a cloud model, as people call it; "": local
    loras: Callable[[], tuple[str, ...]] | None = None  # names of the LoRAs here that fit; None: not supported
    price_usd: Callable[[ImageRequest], float | None] | None = None
    """Estimate for one picture; None, or a result of None: unknown."""
    seconds: Callable[[int, Size], float | None] | None = None  # estimate for one picture, from steps and size
    needs: Callable[[], tuple[Need, ...]] = tuple[Need, ...]  # requirements, met or not; light, like `readiness`
    readiness_of: Callable[[str], Readiness] | None = None  # for one owner, where it differs: a pasted key counts

    def ready_for(self, owner: str) -> Readiness:
        """Whether this owner can use the model now."""
        return self.readiness_of(owner) if self.readiness_of else self.readiness()
