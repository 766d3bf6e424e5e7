"""Colour management: ICC profiles and colour spaces, converted to sRGB."""
