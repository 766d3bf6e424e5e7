"""Google: its models, and how to call them."""
