"""Splats as files: one module per format, and one that reads them all. Knows no models and no pictures."""
