"""Texts about models, as data."""
