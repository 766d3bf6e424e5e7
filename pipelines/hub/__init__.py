"""Weights from the Hugging Face Hub: the cache, and resumable, verified downloads."""
