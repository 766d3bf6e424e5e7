"""Models on this machine: the home of diffusers, transformers, sam2 and torch."""
