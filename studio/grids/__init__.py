"""Comparisons: pictures with several values of a control, on one sheet."""
