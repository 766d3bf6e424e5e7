"""The fastest precision and memory format on this CPU, and what Diorama chooses: `python -m benchmarks.cpu_ways`."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from benchmarks.options import options_of
from benchmarks.table import Row, print_table
from pipelines.speed.cpu_ways import measured


def main(arguments: Sequence[str] = ()) -> None:
    found = measured(options_of(__doc__, arguments, side=16).side)
    chosen = f"chosen: {found.way.dtype}", "chosen: channels last" if found.way.channels_last else "chosen: as it comes"
    rows = [
        Row("network and autoencoder, float32", 1000 * found.float32, 2, unit="ms"),
        Row("network and autoencoder, bfloat16", 1000 * found.bfloat16, 2, chosen[0], unit="ms"),
        Row("autoencoder, as it comes", 1000 * found.plain, 6, unit="ms"),
        Row("autoencoder, channels last", 1000 * found.channels_last, 6, chosen[1], unit="ms"),
    ]
    print_table(f"Pieces of Stable Diffusion: {torch.get_num_threads()} threads, torch {torch.__version__}", rows)


if __name__ == "__main__":
    main()
