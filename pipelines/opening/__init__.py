"""Weights become networks: where they lie, in which precision, and what is said of damaged ones."""
