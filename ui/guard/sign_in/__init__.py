"""Signing in: attempts, wrong guesses, and sessions."""
