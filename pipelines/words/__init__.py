"""Models of words on this machine: they describe pictures, improve prompts, and say what means the same."""
