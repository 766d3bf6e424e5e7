"""Weights from the Hugging Face Hub: where they are kept, and how they are fetched, resumed and checked."""
