"""Upscaling networks: running them in tiles, and the user's own files."""
