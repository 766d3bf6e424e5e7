"""The networks of image -> Gaussians, weight-compatible with LGM and ImageDream: torch and safetensors only.

    config -> cameras -> model (unet, attention), gaussians           views -> Gaussians
           -> multiview_unet (resampler, attention)                   picture, words, noise -> noise
    cameras, gaussians -> render (blend)                              Gaussians -> picture
    weights                                                           files

How a fixture of the kinds in tests/lgm/fixtures is run (`json` is the one beside the .npz):

    lgm_*      model = LGM(LGMConfig(**json["config"])); model.raw(input) is `conv_out`,
               model(input).packed() is `gaussians`; model.inputs_of(images) makes the input
    unet_*     unet = MultiViewUNet(MultiViewUNetConfig.from_json(json["config"]))
               unet(x, timesteps, context, camera, num_frames=F, ip=ip, ip_img=ip_img), all but ip_img repeated F times
    rays       default_rays(LGMConfig(...), -elevation)         cameras   see the table in lgm.cameras
    render     f = focal_px(H, fovy); render(unpacked(gaussians), Camera(pose_opengl_c2w, f, f, W / 2, H / 2, W, H))
"""
