"""What the numbers in a picture mean: ICC profiles and colour spaces, and the same colours in sRGB."""
