"""What other tools wrote into a picture about how they made it: A1111, ComfyUI, InvokeAI and many more."""
