"""What people made: files that carry their recipe, an index over them in SQLite, and how to find things there."""
