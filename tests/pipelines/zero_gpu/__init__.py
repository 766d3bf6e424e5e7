"""Models whose card is lent."""
