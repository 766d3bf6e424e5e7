"""The bundled toy VQGAN and the toy CLIP that steers it: their shapes, their lessons and their training."""
