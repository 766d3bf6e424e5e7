"""Signing in: attempts, those that were wrong, and the sessions of those that were right."""
