"""LoRAs: the files that a prompt names, and what they do to an opened pipeline."""
