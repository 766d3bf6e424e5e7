"""The stage and the strip of Generate: one component that draws the state from `ui/shared/watch.py`."""
