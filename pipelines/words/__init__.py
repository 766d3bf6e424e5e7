"""Text models on this machine: they describe pictures, improve prompts, and embed both for search."""
