"""ComfyUI's metadata: the graph of nodes that made a picture, followed from the sampler backwards."""
