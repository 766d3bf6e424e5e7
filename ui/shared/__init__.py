"""What the tabs have in common: stage, strip, viewer, header, scripts and style."""
