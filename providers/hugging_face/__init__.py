"""Hugging Face: its models, and how to call them."""
