"""The interface of A1111's web UI, as far as models here honour it. Source: AUTOMATIC1111/stable-diffusion-webui."""
