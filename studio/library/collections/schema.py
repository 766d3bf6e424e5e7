"""The index's table of which asset is in which collection."""

COLLECTED = """
    CREATE TABLE collected (
        collection TEXT NOT NULL,  -- its name; each owner has names of their own
        asset TEXT NOT NULL,
        UNIQUE (collection, asset)
    );
    CREATE INDEX collections_of ON collected (asset);
    CREATE TRIGGER collected_delete AFTER DELETE ON assets BEGIN
        DELETE FROM collected WHERE asset = old.id;
    END;
"""
"""A migration, see `database.MIGRATIONS`."""
