"""From an unknown file to a plain picture and its settings, or an error message."""
