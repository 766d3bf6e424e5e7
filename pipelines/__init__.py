"""Models on this machine: the only user of diffusers, transformers and sam2."""
