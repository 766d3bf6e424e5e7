"""Google: what it offers, and how it is asked."""
