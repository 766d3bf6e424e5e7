"""Sharing Diorama: user accounts, the link to share, and a Hugging Face Space."""
