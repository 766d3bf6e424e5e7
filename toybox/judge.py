"""A classifier that judges toy pictures: which kinds, colours and background, and where. Trained on renderings only.

It is never trained on a model's output, so it can say how good a model is. `python -m toybox.judge` trains it again.
"""

import random
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from toybox.parallel import in_processes
from toybox.words import BACKGROUNDS, COLOURS, KINDS, Background, Colour, Kind
from toybox.world import Planes, render_planes, sample_scene, shade

WEIGHTS = Path("benchmarks/toy_judge.safetensors")
PICTURE_SIZE = 128
_SCENES, _STEPS, _BATCH, _PEAK_RATE, _SEED = 4000, 800, 64, 2e-3, 77
_HEADS = {"background": BACKGROUNDS, "count": (1, 2)} | {
    f"{side} {what}": values for side in ("left", "right") for what, values in (("kind", KINDS), ("colour", COLOURS))
}


class Look(NamedTuple):
    """One object as the judge sees it."""

    kind: Kind
    colour: Colour


class Verdict(NamedTuple):
    """What the judge sees in a picture.

    Attributes:
        objects: from left to right.
        background: colour of floor and sky.
        silhouette: (64, 64) bool, where objects are.
    """

    objects: tuple[Look, ...]
    background: Background
    silhouette: np.ndarray


class Example(NamedTuple):
    """A traced scene to train on: its `Planes` as float16 arrays, and its kinds from left to right."""

    planes: tuple[np.ndarray, ...]
    kinds: tuple[Kind, ...]


class Judge(nn.Module):
    """A small convolutional network with one head per attribute and a coarse silhouette."""

    def __init__(self) -> None:
        super().__init__()
        self.first = _step(3, 24)
        self.second = _step(24, 48)
        self.third = _step(48, 96)
        self.fourth = _step(96, 96)
        self.squeeze = nn.Conv2d(96, 32, kernel_size=1)
        self.summary = nn.Linear(32 * 8 * 8, 128)
        self.answers = nn.Linear(128, sum(len(values) for values in _HEADS.values()))
        self.near, self.far = nn.Conv2d(24, 16, kernel_size=1), nn.Conv2d(48, 16, kernel_size=1)
        self.outline = nn.Conv2d(16, 1, kernel_size=3, padding=1)

    def forward(self, pictures: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Logits of every head, (N, classes) each, and of the silhouette, (N, 64, 64), for NCHW pictures in [0, 1]."""
        near = self.first(pictures - 0.5)
        far = self.second(near)
        deep = self.squeeze(self.fourth(self.third(far)))
        logits = self.answers(F.relu(self.summary(deep.flatten(start_dim=1))))
        sizes = [len(values) for values in _HEADS.values()]
        outline = self.outline(F.relu(self.near(near) + F.interpolate(self.far(far), scale_factor=2)))
        return dict(zip(_HEADS, logits.split(sizes, dim=1), strict=True)), outline[:, 0]

    @torch.inference_mode()
    def look_at(self, pictures: Tensor) -> list[Verdict]:
        """What the judge sees in NCHW float pictures, [0, 1], 128 x 128."""
        logits, outlines = self(pictures)
        choices = {name: values.argmax(dim=1).tolist() for name, values in logits.items()}
        verdicts = []
        for row in range(len(pictures)):
            sides = ("left", "right")[: _HEADS["count"][choices["count"][row]]]
            looks = tuple(
                Look(KINDS[choices[f"{side} kind"][row]], COLOURS[choices[f"{side} colour"][row]]) for side in sides
            )
            silhouette = (outlines[row] > 0).numpy()
            verdicts.append(Verdict(looks, BACKGROUNDS[choices["background"][row]], silhouette))
        return verdicts


def load_judge() -> Judge:
    """The trained judge."""
    judge = Judge()
    judge.load_state_dict({name: weight.float() for name, weight in load_file(WEIGHTS).items()})
    return judge.eval()


def fit_judge() -> Judge:
    """Trains a judge on newly traced scenes in random colours, blurred and noisy as model output may be."""
    torch.manual_seed(_SEED)
    examples = list(in_processes(trace_example, range(_SCENES), [_SEED] * _SCENES))
    judge = Judge()
    optimizer = torch.optim.AdamW(judge.parameters(), lr=_PEAK_RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=_PEAK_RATE, total_steps=_STEPS)
    for step in range(_STEPS):
        rng = random.Random(f"judge {step}")
        pictures, answers, silhouettes = make_batch(rng.choices(examples, k=_BATCH), rng)
        logits, outlines = judge(_disturb(pictures))
        loss = F.binary_cross_entropy_with_logits(outlines, silhouettes)
        for name, wanted in answers.items():
            loss = loss + F.cross_entropy(logits[name], wanted, ignore_index=-1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return judge.eval()


def trace_example(index: int, seed: int) -> Example:
    """The index-th scene of a seed; held-out combinations are included, because the judge must know them all."""
    scene = sample_scene(random.Random(f"judge {seed} {index}"), split="any")
    planes = render_planes(scene, size=PICTURE_SIZE)
    return Example(tuple(plane.half().numpy() for plane in planes), tuple(thing.kind for thing in scene.objects))


def make_batch(examples: list[Example], rng: random.Random) -> tuple[Tensor, dict[str, Tensor], Tensor]:
    """Examples in random colours: NCHW pictures in [0, 1], class indices by head (-1: does not apply), silhouettes."""
    pictures, rows, silhouettes = [], [], []
    for example in examples:
        colours: list[Colour] = [rng.choice(COLOURS) for _ in example.kinds]
        background = rng.choice(BACKGROUNDS)
        planes = Planes(*(torch.from_numpy(plane).float() for plane in example.planes))
        pictures.append(shade(planes, colours, background))
        silhouettes.append(F.avg_pool2d(planes.coverage.sum(dim=0, keepdim=True), kernel_size=2)[0])
        kinds = [KINDS.index(kind) for kind in example.kinds] + [-1]
        shown = [COLOURS.index(colour) for colour in colours] + [-1]
        count = len(example.kinds)
        rows.append((BACKGROUNDS.index(background), count - 1, kinds[0], shown[0], kinds[1], shown[1]))
    answers = dict(zip(_HEADS, torch.tensor(rows).unbind(dim=1), strict=True))
    return torch.stack(pictures), answers, (torch.stack(silhouettes) > 0.5).float()


def _step(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size=3, stride=2, padding=1),
        nn.GroupNorm(8, outputs),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, groups=outputs),
        nn.Conv2d(outputs, outputs, kernel_size=1),
        nn.GroupNorm(8, outputs),
        nn.ReLU(),
    )


def _disturb(pictures: Tensor) -> Tensor:
    """Blurs some pictures, adds noise of varying strength, and shifts brightness and contrast a little."""
    count = len(pictures)
    soft = F.interpolate(F.avg_pool2d(pictures, kernel_size=2), scale_factor=2, mode="bilinear")
    pictures = torch.lerp(pictures, soft, torch.rand(count, 1, 1, 1))
    noise = torch.rand(count, 1, 1, 1) ** 2 * 0.08
    contrast = 1 + (torch.rand(count, 1, 1, 1) - 0.5) * 0.12
    shift = (torch.rand(count, 3, 1, 1) - 0.5) * 0.05
    return (pictures * contrast + shift + noise * torch.randn_like(pictures)).clamp(0, 1)


def measure(judge: Judge, count: int = 1000, seed: int = 78) -> dict[str, float]:
    """The accuracy of each head on scenes and colours that the judge was not trained on."""
    examples = [trace_example(index, seed) for index in range(count)]
    pictures, answers, silhouettes = make_batch(examples, random.Random("judge test"))
    with torch.inference_mode():
        logits, outlines = judge(pictures)
    right = {}
    for name, wanted in answers.items():
        asked = wanted >= 0
        right[name] = (logits[name].argmax(dim=1) == wanted)[asked].float().mean().item()
    seen, true = outlines > 0, silhouettes > 0.5
    right["silhouette overlap"] = ((seen & true).sum() / (seen | true).sum()).item()
    return right


def main() -> None:
    """Trains the judge, prints its accuracy and saves it."""
    judge = fit_judge()
    for name, share in measure(judge).items():
        print(f"{name:20} {share:.4f}")
    save_file({name: weight.half().contiguous() for name, weight in judge.state_dict().items()}, WEIGHTS)


if __name__ == "__main__":
    main()
