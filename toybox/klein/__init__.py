"""The bundled toy FLUX.2 klein: its tokenizer, its shape, its data and the three stages of its training."""
