"""Verbs about what is kept."""
