"""Text models on this machine: descriptions, better prompts, search by meaning."""
