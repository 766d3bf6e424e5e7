"""What PNG, JPEG and WebP files say before a pixel is decoded: size, colours, orientation, texts."""
