"""From clicks on a picture to masks and objects."""
