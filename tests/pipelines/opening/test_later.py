"""What libraries need late or never is not imported for the first picture, and is there as before when it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from commands.environment import ROOT

FIRST = """
import sys
import pipelines
import torch
from diffusers import Flux2KleinPipeline
from sam2.sam2_image_predictor import SAM2ImagePredictor

pipe = Flux2KleinPipeline.from_pretrained("weights/toy-klein", torch_dtype=torch.float32)

def draw():
    noise = torch.Generator().manual_seed(3)
    options = {"num_inference_steps": 2, "max_sequence_length": 32, "generator": noise, "output_type": "np"}
    return torch.from_numpy(pipe(prompt="a red ball", height=256, width=256, **options).images)

plain = draw()
print(*sorted({"torch._dynamo", "peft", "bitsandbytes"} & {*sys.modules}), "are there")
"""
LATER = """
pipe.load_lora_weights("weights/toy-klein-loras", weight_name="stripes.safetensors")
striped = draw()
pipe.unload_lora_weights()
print(bool((striped - plain).abs().max() > 0.1), bool((draw() == plain).all()))
"""
COMPILED = """
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.modeling_utils import ModelMixin

block = pipe.transformer.transformer_blocks[0]
block.compile(backend="eager", fullgraph=True)
print(bool((draw() - plain).abs().max() < 1e-3))
import torch._dynamo
from torch._dynamo import trace_rules

print(torch._dynamo is sys.modules["torch._dynamo"], trace_rules.is_callable_allowed(BasicTransformerBlock))
whole = torch.compiler.disable(lambda x: x + 1)
print(whole._torchdynamo_orig_callable is not None)
"""


@pytest.fixture(scope="module")
def said() -> list[str]:
    """What a process says that draws, then uses a LoRA, then compiles."""
    code = [sys.executable, "-c", FIRST + LATER + COMPILED]
    done = subprocess.run(code, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_neither_the_compiler_nor_peft_nor_bitsandbytes_is_imported_for_a_picture(said: list[str]):
    assert said[0] == "are there"


def test_a_lora_works_and_leaves_as_before(said: list[str]):
    assert said[1] == "True True"


def test_what_is_compiled_is_compiled_as_before(said: list[str]):
    assert said[2:] == ["True", "True True", "True"]
