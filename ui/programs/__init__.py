"""APIs that other programs already use, translated to the same studio."""
