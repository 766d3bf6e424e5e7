"""Providers as the studio sees them: whose key pays, what it costs, and what they could do instead."""
