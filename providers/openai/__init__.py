"""OpenAI: its models, and how to call them."""
