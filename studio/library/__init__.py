"""The library: files that carry their recipe, an index over them in SQLite, and search."""
