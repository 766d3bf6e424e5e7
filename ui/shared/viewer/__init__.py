"""The full-window viewer: a picture with its recipe in words, its relatives and every action on it.

One component for the whole page; tabs open it through an event of `ui/shared/scripts/events.js`.
"""
