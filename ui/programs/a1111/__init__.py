"""A1111's web API, as far as the models here support it. Source: AUTOMATIC1111/stable-diffusion-webui."""
