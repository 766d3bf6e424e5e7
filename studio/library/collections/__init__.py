"""Named collections of assets."""
