"""How long any test waits for what must come: the machine may be busy with other things; no test measures time."""

PATIENCE_SECONDS = 180
