"""One module per splat file format. Knows no models and no pictures."""
