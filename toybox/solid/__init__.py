"""Trains the bundled models that turn a picture of a toy into four views, and four views into Gaussians."""
