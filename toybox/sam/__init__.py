"""The bundled toy SAM 2: its shape, its pictures, its clicks and its training."""
