"""LoRAs: the files that a prompt names, and applying them to an opened pipeline."""
