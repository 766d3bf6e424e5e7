"""APIs that other programs already use, served by the same studio."""
