"""Tests of `pipelines/loras`."""
