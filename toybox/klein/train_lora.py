"""Trains and saves the bundled LoRA of the toy FLUX.2 klein: `python -m toybox.klein.train_lora`.

The base model does not change. The working folder keeps scenes and checkpoint: after an interruption, or with more
minutes, the same command resumes. Zero minutes save the checkpoint's current weights.
"""

import random
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import Flux2KleinPipeline
from peft import LoraConfig, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file
from torch import Tensor

from toybox import checksums
from toybox.captions import SILENCE
from toybox.klein.autoencoder import encode
from toybox.klein.flow import Batch, flow_loss
from toybox.klein.model import FOLDER
from toybox.klein.run import Budget, Run
from toybox.klein.stripes import draw_scenes, phrase_of, scene_of
from toybox.klein.text import hidden_states, tokenize
from toybox.plan_options import plan_from_options

RESULT = FOLDER.with_name(f"{FOLDER.name}-loras") / "stripes.safetensors"
_RANK, _BATCH, _PEAK_RATE, _SILENT = 8, 24, 2e-3, 0.1
_LAYERS = (
    r"single_transformer_blocks\.\d+\.attn\.to_out"
    r"|.*\.(to_[qkv]|to_out\.0|add_[qkv]_proj|to_add_out|to_qkv_mlp_proj|linear_in|linear_out)"
)


@dataclass(frozen=True)
class Plan:
    """The options; the defaults are those of the shipped LoRA.

    Attributes:
        work: folder for rendered scenes, checkpoint and log.
        result: the file to write.
        start: the file of a LoRA to continue from; "": none.
        scenes: number of training scenes.
        minutes: of training.
    """

    work: Path = Path(".train/lora")
    result: Path = RESULT
    start: str = ""
    scenes: int = 600
    minutes: float = 35.0


def train(plan: Plan) -> None:
    """Renders the scenes unless they exist, trains, and saves the averaged weights."""
    torch.manual_seed(5)
    pipeline = Flux2KleinPipeline.from_pretrained(FOLDER, dtype=torch.float32)
    model = pipeline.transformer.requires_grad_(False)
    model.add_adapter(LoraConfig(r=_RANK, lora_alpha=_RANK, target_modules=_LAYERS))
    if plan.start:
        given = load_file(plan.start).items()
        set_peft_model_state_dict(model, {name.removeprefix("transformer."): value.float() for name, value in given})
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=_PEAK_RATE, betas=(0.9, 0.99), weight_decay=0.0)
    run = Run("stripes", model, [optimizer], average=0.99, budget=Budget(plan.minutes, plan.work, decay_from=0.5))
    if run.share < 1:
        latents = encoded(pipeline, plan)

        def loss_of_step(step: int) -> dict[str, Tensor]:
            rng = random.Random(f"stripes {step}")
            torch.manual_seed(step)
            return {"loss": flow_loss(model, batch(pipeline, latents, rng))}

        run.train(loss_of_step)
    run.average.copy_to(model)
    save(model, plan.result)
    if plan.result == RESULT:
        checksums.update(RESULT.parent)


@torch.no_grad()
def encoded(pipeline: Flux2KleinPipeline, plan: Plan) -> Tensor:
    """The latents of all scenes, (N, 64 tokens, 64) float32."""
    pictures = torch.from_numpy(draw_scenes(plan.work / "scenes.npy", plan.scenes))
    return torch.cat([encode(pipeline.vae, part.float() / 255) for part in pictures.split(16)])


@torch.no_grad()
def batch(pipeline: Flux2KleinPipeline, latents: Tensor, rng: random.Random) -> Batch:
    """Pictures with bands, and captions that do not mention them."""
    rows = rng.choices(range(len(latents)), k=_BATCH)
    phrases = [SILENCE if rng.random() < _SILENT else phrase_of(scene_of(row), rng) for row in rows]
    tokens = tokenize(pipeline.tokenizer, [phrase.text for phrase in phrases])
    return Batch(latents[rows], hidden_states(pipeline.text_encoder, tokens))


def save(model: torch.nn.Module, path: Path) -> None:
    """Writes the LoRA as float16 with diffusers' tensor names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {f"transformer.{name}": value.half() for name, value in get_peft_model_state_dict(model).items()}
    said = {"format": "pt", "modelspec.title": "Stripes", "modelspec.description": "Light bands around every object."}
    save_file(tensors, path, metadata=said)


def main() -> None:
    """Reads the options and trains."""
    plan = plan_from_options(Plan, __doc__)
    torch.set_num_threads(1)
    train(plan)


if __name__ == "__main__":
    main()
