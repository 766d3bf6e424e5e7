"""The theme Stardust: a style sheet and scripts for its sky."""
