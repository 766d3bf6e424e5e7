"""Providers as the studio sees them: whose key pays, what it costs, and alternatives to local models."""
