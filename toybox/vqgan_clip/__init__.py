"""The bundled toy VQGAN and the toy CLIP that guides it: architectures and training."""
