"""Words on this machine: about pictures and prompts, and what means the same."""
