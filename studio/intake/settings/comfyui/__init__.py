"""What ComfyUI wrote into a picture: the graph of nodes that made it, followed from the sampler backwards."""
