"""Models on this machine: the only user of diffusers, transformers and sam2."""

from pipelines.opening.later import put_off

put_off()
