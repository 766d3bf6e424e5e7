"""The bundled toy SAM 2: architecture, pictures, clicks and training."""
