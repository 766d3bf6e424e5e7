"""Sharing Diorama with others: who may sign in, the link to share, and a Hugging Face Space."""
