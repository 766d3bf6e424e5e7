"""Settings that other tools wrote into a picture: A1111, ComfyUI, InvokeAI and many more."""
