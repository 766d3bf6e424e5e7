"""Settings that people keep."""
