"""Comparisons: pictures with several values of a setting, on one sheet."""
