"""Families of local models: the code that opens and runs their weights."""

FAMILIES = {
    "flux1": "pipelines.families.flux1:Flux1",
    "flux1-kontext": "pipelines.families.flux1:Flux1Kontext",
    "flux1-fill": "pipelines.families.flux1:Flux1Fill",
    "flux1-control": "pipelines.families.flux1:Flux1Control",
    "flux2": "pipelines.families.flux2:Flux2Klein",
    "imagedream": "pipelines.families.imagedream:open_checkpoint",
    "lgm": "pipelines.families.lgm_splat:open_checkpoint",
    "vqgan-clip": "pipelines.families.vqgan_clip:open_checkpoint",
    "span": "pipelines.families.span:open_checkpoint",
    "upscaler": "pipelines.upscalers.own:open_checkpoint",
    "stable-diffusion": "pipelines.families.stable_diffusion:StableDiffusion",
    "stable-diffusion-xl": "pipelines.families.stable_diffusion:StableDiffusionXL",
    "stable-diffusion-control": "pipelines.families.control.controlnet:StableDiffusionControl",
    "stable-diffusion-xl-control": "pipelines.families.control.controlnet:StableDiffusionXLControl",
    "stable-diffusion-ip-adapter": "pipelines.families.control.ip_adapter:StableDiffusionShown",
    "stable-diffusion-xl-ip-adapter": "pipelines.families.control.ip_adapter:StableDiffusionXLShown",
    "depth-anything": "pipelines.families.control.depth_anything:open_checkpoint",
    "clip-meaning": "pipelines.words.clip_meaning:open_checkpoint",
    "blip": "pipelines.words.blip:open_checkpoint",
    "qwen3": "pipelines.words.qwen:open_checkpoint",
    "sam2": "pipelines.families.sam:open_checkpoint",
}
"""Opens the weights of a family: called with the `Checkpoint` and the plans that fit here, fastest first; returns a
`Model`. Names, since importing them would import torch."""
