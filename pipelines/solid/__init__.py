"""What becomes of a small network's splat: a closed surface, and the camera of the picture it was made from."""
