"""Terminal verbs for automation: API keys, running recipes, watching folders, shell completion."""
