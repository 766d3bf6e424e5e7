"""Terminal verbs about stored assets."""
