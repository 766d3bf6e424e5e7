"""The headers of PNG, JPEG and WebP files: size, colours, orientation, texts."""
