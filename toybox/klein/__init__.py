"""The bundled toy FLUX.2 klein: tokenizer, architecture, data and training stages."""
