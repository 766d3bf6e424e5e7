"""Saved settings."""
